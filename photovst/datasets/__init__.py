"""Published datasets by the layouts of their folders: where clips, ground truth and pairs lie. No PyTorch."""
