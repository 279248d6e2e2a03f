/* Draw the book's plotly figures when they come near the view, and let them go when they are far from it.

   Every figure is a <div class="book-figure" data-figure="NAME">; its data lie in _static/figures/NAME.js,
   a script and not JSON so that pages opened from a disk work too. Browsers keep about sixteen WebGL
   contexts alive, hence the limit on three-dimensional scenes. A figure has a picture of itself, which is shown
   until it is drawn, on paper, and where scripts or WebGL are missing. */
(function () {
  "use strict";

  const SCENES = 10;
  const NARROW = 600;
  const TURN = 5; // degrees a key press
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

  /* Numbers of a stored array, which may be base64 text with its type. */
  function numbers(values) {
    if (!values || values.bdata === undefined) return values;
    const kinds = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array,
      f4: Float32Array, f8: Float64Array };
    const bytes = Uint8Array.from(atob(values.bdata), function (letter) { return letter.charCodeAt(0); });
    return new kinds[values.dtype](bytes.buffer);
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
        const titled = (layout.annotations || []).some(function (part) {
          return part.yref === "paper" && part.y > 0.99 && part.yanchor === "bottom";
        });
        const above = 1 + (titled ? 28 : 6) / inner(layout);
        Object.assign(layout.legend, { orientation: "h", x: 0, xanchor: "left", y: above, yanchor: "bottom" });
      }
    }
    delete layout.width;
    layout.autosize = true;
    return layout;
  }

  /* Put clusters that stand side by side below one another. */
  function stack(figure) {
    const stacks = (figure.layout.meta || {}).stack || {};
    for (const name of Object.keys(stacks)) {
      const scene = figure.layout[name];
      const known = figure.layout.meta.scenes[name];
      for (const index of Object.keys(stacks[name].shifts)) {
        ["x", "y", "z"].forEach(function (axis, i) {
          const shift = stacks[name].shifts[index][i];
          figure.data[index][axis] = Array.from(numbers(figure.data[index][axis]), function (value) {
            return value === null ? null : value + shift;
          });
        });
      }
      ["x", "y", "z"].forEach(function (axis, i) {
        const low = stacks[name].box[0][i], high = stacks[name].box[1][i], pad = 0.02 * (high - low) + 1;
        scene[axis + "axis"].range = [low - pad, high + pad];
      });
      known.half = stacks[name].half;
    }
  }

  /* Images and maps are stored in 255 steps of their scale; a reader who points at one wants its value. */
  function values(figure) {
    for (const trace of figure.data) {
      const ends = trace.type === "heatmap" && trace.meta && trace.meta.ends;
      if (!ends || trace.zmax !== 254 || !trace.z || trace.z.bdata === undefined) continue;
      const steps = numbers(trace.z);
      const width = Number(String(trace.z.shape).split(",")[1]);
      const unit = (ends[1] - ends[0]) / 254;
      const rows = [];
      for (let start = 0; start < steps.length; start += width) {
        rows.push(Array.from(steps.subarray(start, start + width), function (step) { return ends[0] + step * unit; }));
      }
      Object.assign(trace, { z: rows, zmin: ends[0], zmax: ends[1] });
      if (trace.colorbar && trace.colorbar.tickvals) {
        trace.colorbar.tickvals = Array.from(numbers(trace.colorbar.tickvals), function (step) { return ends[0] + step * unit; });
      }
    }
  }

  /* In the dark theme the ground is dark, and text, axes and black lines are light; colours that tell something stay,
     and so does "#000000", for lines on an image. */
  const TONES = [["#222222", "#dcdcdc"], ["#444444", "#b4b4b4"], ["black", "#efefef"], ["#ececec", "#34383e"],
    ["#ffffff", "#121212"], ["rgba(255,255,255,0.75)", "rgba(18,18,18,0.75)"]];
  const TONED = /color$/i;

  function isDark() {
    return document.documentElement.dataset.theme === "dark";
  }

  function toned(colour, dark) {
    if (typeof colour !== "string") return colour;
    const pair = TONES.find(function (both) { return both[dark ? 0 : 1] === colour.toLowerCase(); });
    return pair ? pair[dark ? 1 : 0] : colour;
  }

  function tone(part, dark) {
    for (const key of Object.keys(part)) {
      const value = part[key];
      const listed = Array.isArray(value);
      if (TONED.test(key)) {
        part[key] = listed ? value.map(function (one) { return toned(one, dark); }) : toned(value, dark);
      } else if (value && typeof value === "object" && !ArrayBuffer.isView(value)
          && (!listed || (value[0] && typeof value[0] === "object" && !Array.isArray(value[0])))) {
        tone(value, dark);
      }
    }
  }

  function inner(layout) {
    const margin = layout.margin || {};
    return (layout.height || 450) - (margin.t || 0) - (margin.b || 0);
  }

  /* Fit every scene to the screen: its half width and half height [Å] are known, and one unit of a scene's
     aspect ratio is drawn half as high as the scene. */
  function frame(figure, width) {
    const layout = figure.layout;
    const scenes = (layout.meta || {}).scenes || {};
    const bars = figure.data.some(function (trace) { return trace.marker && trace.marker.colorbar; });
    for (const name of Object.keys(scenes)) {
      const scene = layout[name];
      const domain = scene.domain || {};
      const across = domain.x || [0, 1];
      const up = domain.y || [0, 1];
      const wide = (width - (bars ? 80 : 0)) * (across[1] - across[0]);
      const tall = inner(layout) * (up[1] - up[0]);
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
      const bar = barOf(layout, name);
      if (bar) {
        bar.shape.x1 = bar.shape.x0 + known.bar * scale;
        bar.shape.xanchor = bar.words.x = across[0];
        bar.shape.yanchor = bar.words.y = up[0];
      }
    }
  }

  function barOf(layout, scene) {
    function named(part) { return part.name === "bar of " + scene; }
    const shape = (layout.shapes || []).find(named), words = (layout.annotations || []).find(named);
    return shape && words ? { shape: shape, words: words, number: layout.shapes.indexOf(shape) } : null;
  }

  /* Zooming in an orthographic scene changes its aspect ratio; its bar follows. */
  function follow(plot) {
    const scenes = (plot.layout.meta || {}).scenes || {};
    const change = {};
    for (const name of Object.keys(scenes)) {
      const bar = barOf(plot.layout, name);
      const scene = plot._fullLayout[name];
      if (!bar || !scene) continue;
      const range = scene.xaxis.range;
      const tall = inner(plot.layout) * (scene.domain.y[1] - scene.domain.y[0]);
      const end = bar.shape.x0 + scenes[name].bar * scene.aspectratio.x * tall / 2 / (range[1] - range[0]);
      if (Math.abs(end - bar.shape.x1) > 0.5) change["shapes[" + bar.number + "].x1"] = end;
    }
    if (Object.keys(change).length) window.Plotly.relayout(plot, change);
  }

  function sceneNames(layout) {
    return Object.keys(layout).filter(function (key) { return /^scene\d*$/.test(key); });
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

  let webgl = null;
  function hasWebgl() {
    if (webgl === null) {
      const context = document.createElement("canvas").getContext("webgl");
      webgl = Boolean(context);
      if (context && context.getExtension("WEBGL_lose_context")) context.getExtension("WEBGL_lose_context").loseContext();
    }
    return webgl;
  }

  async function draw(box) {
    const state = states.get(box);
    if (state.busy || drawn.has(box) || state.still) return;
    state.busy = true;
    try {
      await Promise.all([load("plotly.min.js"), load("figures/" + box.dataset.figure + ".js")]);
      if (!state.near) return;
      const width = box.clientWidth;
      if (!state.figure) {
        const figure = store[box.dataset.figure];
        state.scenes = sceneNames(figure.layout).length;
        if (!state.scenes && figure.data.some(function (trace) { return /3d$|^surface$/.test(trace.type || ""); })) {
          state.scenes = 1;
        }
        if (state.scenes && box.querySelector("img") && !hasWebgl()) {
          state.still = true;
          box.dataset.state = "still";
          return;
        }
        state.figure = { data: figure.data, layout: fit(figure.layout, width) };
        if (width < NARROW) stack(state.figure);
        values(state.figure);
        frame(state.figure, width);
      }
      if (state.dark !== isDark()) {
        tone(state.figure, !state.dark);
        state.dark = !state.dark;
      }
      makeRoom(box, state.scenes);
      const plot = box.querySelector(".book-figure-plot");
      if (state.figure.layout.height) box.style.minHeight = state.figure.layout.height + "px";
      drawn.add(box);
      await window.Plotly.newPlot(plot, state.figure.data, state.figure.layout, {
        responsive: true, displaylogo: false, scrollZoom: "gl3d",
        modeBarButtonsToRemove: ["lasso2d", "select2d", "tableRotation", "resetCameraLastSave3d", "hoverClosest3d"],
      });
      plot.on("plotly_relayout", function () { follow(plot); });
      plot.on("plotly_hover", function () { minus(plot); });
      legend(plot);
      plot.on("plotly_afterplot", function () { legend(plot); });
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

  /* Legend entries can be reached with Tab and switched with Enter or the space bar. */
  function legend(plot) {
    plot.querySelectorAll(".legendtoggle").forEach(function (entry) {
      if (entry.getAttribute("tabindex") !== null) return;
      const text = entry.parentNode.querySelector(".legendtext");
      entry.setAttribute("tabindex", "0");
      entry.setAttribute("role", "button");
      entry.setAttribute("aria-label", "show or hide " + (text ? text.textContent : "this entry"));
      entry.addEventListener("keydown", function (event) {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        for (const kind of ["mousedown", "mouseup"]) entry.dispatchEvent(new MouseEvent(kind, { bubbles: true }));
      });
    });
  }

  /* Labels at the pointer are formatted with a hyphen; numbers get a minus sign. */
  function minus(plot) {
    const walker = document.createTreeWalker(plot.querySelector(".hoverlayer"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const better = text.nodeValue.replace(/(^|[^\w.])-(?=[\d.])/g, "$1\u2212");
      if (better !== text.nodeValue) text.nodeValue = better;
    }
  }

  function rotate(v, axis, angle) {
    const c = Math.cos(angle), s = Math.sin(angle);
    const dot = v.x * axis.x + v.y * axis.y + v.z * axis.z;
    const cross = { x: axis.y * v.z - axis.z * v.y, y: axis.z * v.x - axis.x * v.z, z: axis.x * v.y - axis.y * v.x };
    const turned = {};
    for (const k of ["x", "y", "z"]) turned[k] = v[k] * c + cross[k] * s + axis[k] * dot * (1 - c);
    return turned;
  }

  function unit(v) {
    const length = Math.hypot(v.x, v.y, v.z) || 1;
    return { x: v.x / length, y: v.y / length, z: v.z / length };
  }

  /* Arrow keys turn a scene or move a plot; + and − zoom; 0 goes back. */
  function press(box, event) {
    const plot = box.querySelector(".book-figure-plot");
    if (!drawn.has(box) || event.target !== box || event.altKey || event.ctrlKey || event.metaKey) return;
    const sides = { ArrowLeft: -1, ArrowRight: 1 }, heights = { ArrowUp: 1, ArrowDown: -1 };
    const zoom = { "+": 1.15, "=": 1.15, "-": 1 / 1.15, "−": 1 / 1.15 }[event.key];
    if (!(event.key in sides) && !(event.key in heights) && !zoom && event.key !== "0") return;
    event.preventDefault();
    const full = plot._fullLayout, change = {};
    const angle = TURN * Math.PI / 180;
    for (const name of sceneNames(full)) {
      if (!plot.layout[name]) continue;
      const scene = full[name], camera = scene._scene ? scene._scene.getCamera() : scene.camera;
      const known = states.get(box).home[name] || (states.get(box).home[name] = {
        camera: JSON.parse(JSON.stringify(camera)), aspect: Object.assign({}, scene.aspectratio) });
      if (event.key === "0") {
        change[name + ".camera"] = known.camera;
        change[name + ".aspectratio"] = known.aspect;
      } else if (zoom) {
        const now = scene.aspectratio;
        change[name + ".aspectratio"] = { x: now.x * zoom, y: now.y * zoom, z: now.z * zoom };
      } else {
        const up = unit(camera.up), eye = camera.eye;
        const right = unit({ x: up.y * eye.z - up.z * eye.y, y: up.z * eye.x - up.x * eye.z, z: up.x * eye.y - up.y * eye.x });
        const axis = event.key in sides ? up : right;
        const by = angle * (event.key in sides ? -sides[event.key] : -heights[event.key]);
        change[name + ".camera.eye"] = rotate(eye, axis, by);
        change[name + ".camera.up"] = rotate(up, axis, by);
      }
    }
    for (const name of Object.keys(full).filter(function (key) { return /^[xy]axis\d*$/.test(key); })) {
      const axis = full[name];
      if (axis.type === "category" || !axis.range || axis.matches) continue;
      const low = axis.range[0], high = axis.range[1], step = 0.1 * (high - low);
      const move = name[0] === "x" ? sides[event.key] : heights[event.key];
      if (event.key === "0") change[name + ".autorange"] = true;
      else if (zoom) change[name + ".range"] = [low + (high - low) * (1 - 1 / zoom) / 2, high - (high - low) * (1 - 1 / zoom) / 2];
      else if (move) change[name + ".range"] = [low + move * step, high + move * step];
    }
    window.Plotly.relayout(plot, change);
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
      states.set(box, { near: false, busy: false, still: false, figure: null, dark: false, scenes: 0, home: {} });
      box.dataset.state = "waiting";
      box.addEventListener("keydown", function (event) { press(box, event); });
      near.observe(box);
    });
    new MutationObserver(function () {
      for (const box of Array.from(drawn)) {
        purge(box);
        draw(box);
      }
    }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    /* Pictures that are loaded when they are seen would be missing on paper. */
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll(".book-figure img").forEach(function (image) { image.loading = "eager"; });
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
