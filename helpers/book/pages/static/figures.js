/* Draw the book's plotly figures when they come near the view, and let them go when they are far from it.

   Every figure is a <div class="book-figure" data-figure="NAME">; its data lie in _static/figures/NAME.js,
   a script and not JSON so that pages opened from a disk work too. Browsers keep about sixteen WebGL
   contexts alive, hence the limit on three-dimensional scenes. */
(function () {
  "use strict";

  const SCENES = 10;
  const NARROW = 600;
  const root = document.documentElement.dataset.content_root || "./";
  const store = (window.bookFigures = window.bookFigures || {});
  const scripts = new Map();
  const drawn = new Set();
  const states = new WeakMap();

  function load(path) {
    if (!scripts.has(path)) {
      scripts.set(path, new Promise(function (resolve, reject) {
        const script = document.createElement("script");
        script.src = root + "_static/" + path;
        script.onload = resolve;
        script.onerror = function () { scripts.delete(path); reject(new Error("cannot load " + path)); };
        document.head.appendChild(script);
      }));
    }
    return scripts.get(path);
  }

  /* Set "a.b[1].c" in nested objects. */
  function assign(target, path, value) {
    const keys = path.replace(/\[(\d+)\]/g, ".$1").split(".");
    const last = keys.pop();
    for (const key of keys) {
      if (target[key] === undefined || target[key] === null) target[key] = {};
      target = target[key];
    }
    target[last] = value;
  }

  function fit(layout, width) {
    const narrow = layout.meta && layout.meta.narrow;
    if (narrow && width < NARROW) {
      for (const path of Object.keys(narrow)) assign(layout, path, narrow[path]);
    }
    if (width < NARROW) {
      layout.font = Object.assign({}, layout.font, { size: 12 });
      layout.legend = Object.assign({}, layout.legend);
      if (!layout.legend.orientation) {
        Object.assign(layout.legend, { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" });
      }
    }
    delete layout.width;
    layout.autosize = true;
    return layout;
  }

  /* Fit every scene to the screen: its half width and half height [Å] are known, and one unit of a scene's
     aspect ratio is drawn half as high as the scene. */
  function frame(figure, width) {
    const layout = figure.layout;
    const scenes = (layout.meta || {}).scenes || {};
    const margin = layout.margin || {};
    const bars = figure.data.some(function (trace) { return trace.marker && trace.marker.colorbar; });
    for (const name of Object.keys(scenes)) {
      const scene = layout[name];
      const domain = scene.domain || {};
      const across = domain.x || [0, 1];
      const up = domain.y || [0, 1];
      const wide = (width - (bars ? 80 : 0)) * (across[1] - across[0]);
      const tall = ((layout.height || 450) - (margin.t || 0) - (margin.b || 0)) * (up[1] - up[0]);
      const known = scenes[name];
      const scale = Math.min(layout.meta.fill[0] * wide / 2 / known.half[0], layout.meta.fill[1] * tall / 2 / known.half[1]);
      for (const axis of ["x", "y", "z"]) {
        const range = scene[axis + "axis"].range;
        scene.aspectratio[axis] = (range[1] - range[0]) * scale / (tall / 2);
      }
      for (const trace of figure.data) {
        if ((trace.scene || "scene") === name && trace.marker && typeof trace.marker.size === "number") {
          trace.marker.size = Math.min(24, Math.max(1.5, trace.marker.size * scale / known.scale));
        }
      }
      known.scale = scale;
    }
  }

  function sceneCount(layout) {
    return Object.keys(layout).filter(function (key) { return /^scene\d*$/.test(key); }).length;
  }

  function distance(box) {
    const place = box.getBoundingClientRect();
    return Math.abs((place.top + place.bottom) / 2 - window.innerHeight / 2);
  }

  function makeRoom(box, scenes) {
    let total = scenes;
    for (const other of drawn) total += states.get(other).scenes;
    const others = Array.from(drawn).filter(function (other) {
      return other !== box && states.get(other).scenes > 0;
    });
    others.sort(function (a, b) { return distance(b) - distance(a); });
    for (const other of others) {
      if (total <= SCENES) break;
      total -= states.get(other).scenes;
      purge(other);
    }
  }

  async function draw(box) {
    const state = states.get(box);
    if (state.busy || drawn.has(box)) return;
    state.busy = true;
    try {
      await Promise.all([load("plotly.min.js"), load("figures/" + box.dataset.figure + ".js")]);
      if (!state.near) return;
      if (!state.figure) {
        const figure = store[box.dataset.figure];
        state.figure = { data: figure.data, layout: fit(figure.layout, box.clientWidth) };
        frame(state.figure, box.clientWidth);
        state.scenes = sceneCount(figure.layout);
        if (!state.scenes && figure.data.some(function (trace) { return /3d$|^surface$/.test(trace.type || ""); })) {
          state.scenes = 1;
        }
      }
      makeRoom(box, state.scenes);
      const plot = box.querySelector(".book-figure-plot");
      if (state.figure.layout.height) box.style.minHeight = state.figure.layout.height + "px";
      drawn.add(box);
      await window.Plotly.newPlot(plot, state.figure.data, state.figure.layout, {
        responsive: true, displaylogo: false, scrollZoom: "gl3d",
        modeBarButtonsToRemove: ["lasso2d", "select2d", "tableRotation", "resetCameraLastSave3d", "hoverClosest3d"],
      });
      box.dataset.state = "drawn";
    } catch (error) {
      box.dataset.state = "failed";
      console.error(error);
    } finally {
      state.busy = false;
    }
    if (!state.near) purge(box);
  }

  function purge(box) {
    if (!drawn.has(box) || states.get(box).busy) return;
    const plot = box.querySelector(".book-figure-plot");
    const state = states.get(box);
    state.figure = { data: plot.data, layout: plot.layout };
    window.Plotly.purge(plot);
    drawn.delete(box);
    box.dataset.state = "waiting";
  }

  /* The wheel scrolls the page, until the reader has taken hold of the figure; with Ctrl it always zooms. */
  function watchWheel(box) {
    let held = false;
    box.addEventListener("pointerdown", function () { held = true; });
    box.addEventListener("pointerleave", function () { held = false; });
    box.addEventListener("wheel", function (event) {
      if (!held && !event.ctrlKey && !event.metaKey) event.stopPropagation();
    }, { capture: true, passive: true });
  }

  function start() {
    const boxes = document.querySelectorAll(".book-figure");
    const near = new IntersectionObserver(function (entries) {
      for (const entry of entries) {
        const state = states.get(entry.target);
        state.near = entry.isIntersecting;
        if (state.near) draw(entry.target); else purge(entry.target);
      }
    }, { rootMargin: "700px 0px" });
    boxes.forEach(function (box) {
      watchWheel(box);
      states.set(box, { near: false, busy: false, figure: null, scenes: 0 });
      box.dataset.state = "waiting";
      near.observe(box);
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
