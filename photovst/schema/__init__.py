"""Settings as nested dataclasses: loading, checking, printing and listing them, whatever they are for. Torch-free."""

from photovst.schema.fields import setting as setting
from photovst.schema.loading import Schema as Schema, SettingRow as SettingRow
from photovst.schema.printing import resolved_yaml as resolved_yaml, settings_dict as settings_dict
from photovst.schema.sources import read_yaml as read_yaml
