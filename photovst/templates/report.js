"use strict";
document.documentElement.classList.add("js");

// A picture over another, with a border between them that moves. Both are taken from the sheet of frames.
function wipe(box) {
  const stage = box.querySelector(".stage");
  const range = stage.querySelector("input");
  const sides = [["under", "left"], ["over", "right"]];
  const put = (percent) => {
    stage.style.setProperty("--at", `${percent}%`);
    range.setAttribute("aria-valuetext", `${Math.round(percent)} percent`);
  };
  const show = () => {
    const frame = box.querySelector("input[type=radio]:checked").value;
    for (const [layer, side] of sides) {
      const select = box.querySelector(`select.${side}`);
      const chosen = select.options[select.selectedIndex];
      const picture = document.querySelector(
        `#${box.dataset.sheet} img[data-source="${chosen.value}"][data-frame="${frame}"]`);
      const image = stage.querySelector(`img.${layer}`);
      image.alt = `${chosen.text}, frame ${frame}`;
      if (picture) image.src = picture.src; else image.removeAttribute("src");
      stage.querySelector(`.tag.${side}`).textContent = chosen.text;
    }
  };
  const drag = (event) => {
    const edges = stage.getBoundingClientRect();
    const percent = Math.min(100, Math.max(0, 100 * (event.clientX - edges.left) / edges.width));
    range.value = Math.round(percent);
    put(percent);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true });
    drag(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) drag(event);
  });
  range.addEventListener("input", () => put(Number(range.value)));
  box.addEventListener("change", show);
  put(Number(range.value));
  show();
}

// Clips of equal length that play, pause and are searched as one. The first leads, the others follow.
function players(box) {
  const videos = [...box.querySelectorAll("video")];
  const [lead, ...others] = videos;
  const rate = Number(box.dataset.rate), count = Number(box.dataset.frames);
  const button = box.querySelector("button"), scrub = box.querySelector(".scrub");
  const told = box.querySelector("output"), speed = box.querySelector("select");
  const loop = box.querySelector("input[type=checkbox]");
  let playing = false, at = 0, wanted = null, search = null, next = 0;

  const tell = (frame) => {
    at = frame;
    scrub.value = frame;
    scrub.setAttribute("aria-valuetext", `frame ${frame}`);
    told.textContent = `frame ${frame} of ${count}`;
  };
  const found = (video) => new Promise((done) => {
    if (video.seeking) video.addEventListener("seeked", done, { once: true });
    else done();
  });
  // One search at a time, of the frame that was wanted last: browsers get stuck over many at once. The middle of a
  // frame: at its edge they differ in which of the two they show.
  const seek = (frame) => {
    tell(frame);
    wanted = frame;
    search ??= (async () => {
      while (wanted !== null) {
        const time = (wanted + 0.5) / rate;
        wanted = null;
        for (const video of videos) video.currentTime = time;
        await Promise.all(videos.map(found));
      }
      search = null;
    })();
    return search;
  };
  const state = (now) => {
    playing = now;
    button.textContent = now ? "Pause" : "Play";
  };
  const pause = () => {
    if (!playing) return;
    state(false);
    for (const video of videos) video.pause();
    seek(at);
  };
  const play = async () => {
    state(true);
    await seek(at >= count - 1 ? 0 : at);
    if (!playing) return;
    for (const video of videos) {
      video.playbackRate = Number(speed.value);
      video.play().catch(() => {}); // a pause that comes at once is no failure
    }
    cancelAnimationFrame(next);
    next = requestAnimationFrame(follow);
  };
  const follow = () => {
    if (!playing || search) return;
    const factor = Number(speed.value);
    lead.playbackRate = factor;
    for (const video of others) {
      const drift = (video.currentTime - lead.currentTime) * rate;
      if (Math.abs(drift) > 3 && !video.seeking && !video.ended) video.currentTime = lead.currentTime;
      else video.playbackRate = Math.abs(drift) < 0.2 ? factor : factor * (drift > 0 ? 0.9 : 1.1);
    }
    tell(Math.max(0, Math.min(count - 1, Math.floor(lead.currentTime * rate + 0.01))));
    next = requestAnimationFrame(follow);
  };
  const toggle = () => (playing ? pause() : play());
  const step = (frame) => {
    pause();
    seek(Math.max(0, Math.min(count - 1, frame)));
  };

  lead.addEventListener("ended", () => {
    if (!playing) return;
    tell(count - 1);
    if (loop.checked) play();
    else pause();
  });
  button.addEventListener("click", toggle);
  scrub.addEventListener("input", () => step(Number(scrub.value)));
  box.querySelector(".screens").addEventListener("click", (event) => {
    if (event.target.tagName === "VIDEO") toggle();
  });
  box.addEventListener("keydown", (event) => {
    if (["SELECT", "BUTTON"].includes(event.target.tagName) || event.target === loop) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === " ") toggle();
    else if (event.key in steps && event.target !== scrub) step(at + steps[event.key]);
    else return;
    event.preventDefault();
  });
  tell(0);

  const load = () => {
    for (const video of videos) {
      const text = document.getElementById(video.dataset.clip).textContent;
      const raw = atob(text), bytes = new Uint8Array(raw.length);
      for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
      video.addEventListener("loadedmetadata", () => { video.currentTime = (at + 0.5) / rate; }, { once: true });
      video.addEventListener("error", () => { box.querySelector(".unplayable").hidden = false; });
      video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    }
  };
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    load();
  }, { rootMargin: "800px" });
  watch.observe(box);
}

document.querySelectorAll(".wipe").forEach(wipe);
document.querySelectorAll(".players").forEach(players);
