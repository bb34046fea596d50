"use strict";
// Maps on a canvas and curves that can be read off. Nothing is loaded from anywhere.
(() => {
  const tip = document.body.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;

  function tell(lines, event) {
    tip.replaceChildren(...lines.map(([text, color]) => {
      const line = document.createElement("div");
      line.textContent = text;
      if (color) line.style.setProperty("--mark", color);
      line.classList.toggle("marked", Boolean(color));
      return line;
    }));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = event.clientX + 14 + width > innerWidth ? event.clientX - 14 - width : event.clientX + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, event.clientY - height - 12)}px`;
  }

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function shape(paint, kind, x, y, r) {
    paint.beginPath();
    if (kind === 0) paint.arc(x, y, r, 0, 2 * Math.PI);
    if (kind === 1) { paint.moveTo(x, y - 1.2 * r); paint.lineTo(x + 1.1 * r, y + r); paint.lineTo(x - 1.1 * r, y + r); }
    if (kind === 2) paint.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
    if (kind === 3) { paint.moveTo(x, y - 1.3 * r); paint.lineTo(x + 1.3 * r, y); paint.lineTo(x, y + 1.3 * r); paint.lineTo(x - 1.3 * r, y); }
    paint.closePath();
  }

  function map(box) {
    const data = JSON.parse(box.querySelector("script").textContent);
    const look = bytes(data.look), xy = new Uint16Array(bytes(data.xy).buffer);
    const canvas = box.querySelector("canvas"), paint = canvas.getContext("2d");
    const base = document.createElement("canvas"), off = new Set();
    let k = 1, cx = 32768, cy = 32768, scale = 1, near = -1, found = [], drag = null, w = 0, h = 0;

    const radius = () => Math.min(9, Math.max(1.7, Math.min(4, 100 / Math.sqrt(look.length))) * Math.sqrt(k));
    const at = (i) => [w / 2 + (xy[2 * i] - cx) * scale * k, h / 2 - (xy[2 * i + 1] - cy) * scale * k];
    const paintOf = (n) => n === 255 ? color("--faint") : data.levels ? data.levels[n] : color(`--series-${n % 7}`);

    function sprite(n, r, dpr) {
      const made = document.createElement("canvas"), side = Math.ceil(3 * r * dpr);
      made.width = made.height = side;
      const on = made.getContext("2d");
      on.fillStyle = paintOf(n);
      shape(on, data.levels || n === 255 ? 0 : Math.floor(n / 7), side / 2, side / 2, r * dpr);
      on.fill();
      return made;
    }

    function draw() {
      const dpr = devicePixelRatio || 1, r = radius(), sprites = new Map();
      w = canvas.clientWidth; h = canvas.clientHeight;
      scale = Math.min((w - 24) / data.width, (h - 24) / data.height);
      for (const each of [canvas, base]) { each.width = w * dpr; each.height = h * dpr; }
      const on = base.getContext("2d");
      on.globalAlpha = 0.82;
      for (let i = 0; i < look.length; i++) {
        if (off.has(look[i])) continue;
        const [x, y] = at(i);
        if (x < -9 || y < -9 || x > w + 9 || y > h + 9) continue;
        if (!sprites.has(look[i])) sprites.set(look[i], sprite(look[i], r, dpr));
        const drawn = sprites.get(look[i]);
        on.drawImage(drawn, x * dpr - drawn.width / 2, y * dpr - drawn.height / 2);
      }
      mark();
    }

    function mark() {
      const dpr = devicePixelRatio || 1;
      paint.setTransform(1, 0, 0, 1, 0, 0);
      paint.clearRect(0, 0, canvas.width, canvas.height);
      paint.globalAlpha = found.length ? 0.3 : 1;
      paint.drawImage(base, 0, 0);
      paint.globalAlpha = 1;
      paint.setTransform(dpr, 0, 0, dpr, 0, 0);
      paint.strokeStyle = color("--ink");
      paint.lineWidth = 1.5;
      for (const i of near < 0 ? found : [...found, near]) {
        const [x, y] = at(i);
        paint.fillStyle = paintOf(look[i]);
        shape(paint, 0, x, y, radius() + 1.5);
        paint.fill();
        paint.stroke();
      }
    }

    function nearest(event) {
      const rect = canvas.getBoundingClientRect();
      const px = event.clientX - rect.left, py = event.clientY - rect.top;
      let best = 16 ** 2, which = -1;
      for (let i = 0; i < look.length; i++) {
        if (off.has(look[i])) continue;
        const [x, y] = at(i), distance = (x - px) ** 2 + (y - py) ** 2;
        if (distance < best) { best = distance; which = i; }
      }
      return which;
    }

    function zoom(factor) {
      k = Math.min(40, Math.max(1, k * factor));
      if (k === 1) cx = cy = 32768;
      canvas.style.touchAction = k > 1 ? "none" : "pan-y";
      draw();
    }

    canvas.addEventListener("pointermove", (event) => {
      if (drag && k > 1) {
        cx = drag.cx - (event.clientX - drag.x) / scale / k;
        cy = drag.cy + (event.clientY - drag.y) / scale / k;
        tip.hidden = true;
        draw();
        return;
      }
      const which = nearest(event);
      if (which !== near) { near = which; mark(); }
      if (which < 0) { tip.hidden = true; return; }
      const label = data.values ? data.values[which] : data.names[look[which]];
      const id = data.ids ? data.ids[which] : `row ${data.rows[which]}`;
      tell([[String(id)], ...(label == null ? [] : [[String(label), paintOf(look[which])]])], event);
    });
    canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, cx, cy }; });
    addEventListener("pointerup", () => { drag = null; });
    canvas.addEventListener("pointerleave", () => { near = -1; tip.hidden = true; mark(); });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;  // the page scrolls as ever
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.25 : 0.8);
    }, { passive: false });
    for (const button of box.querySelectorAll("[data-zoom]"))
      button.addEventListener("click", () => zoom(Number(button.dataset.zoom) || 0));
    for (const button of box.querySelectorAll("[data-look]"))
      button.addEventListener("click", () => {
        const n = Number(button.dataset.look), shown = off.delete(n) || !off.add(n);
        button.setAttribute("aria-pressed", String(shown));
        draw();
      });
    box.querySelector("input")?.addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      const name = (i) => String(data.ids ? data.ids[i] : data.rows[i]).toLowerCase();
      found = wanted ? [...look.keys()].filter((i) => name(i).includes(wanted)) : [];
      box.querySelector("output").textContent = wanted ? `${found.length} found` : "";
      mark();
    });
    new ResizeObserver(draw).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  function curves(svg) {
    const axes = JSON.parse(svg.dataset.axes), labels = JSON.parse(svg.dataset.lines);
    const knots = labels.map((_, i) => {
      const path = svg.querySelector(`[id$="-line-${i}"] path`);
      const numbers = path ? path.getAttribute("d").match(/-?[\d.]+/g).map(Number) : [];
      return { path, x: numbers.filter((_, j) => j % 2 === 0), y: numbers.filter((_, j) => j % 2) };
    });
    const value = ([low, high, from, to], pixel) => low + (high - low) * (pixel - from) / (to - from);
    const rule = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
    rule.setAttribute("class", "rule");
    const leave = () => { tip.hidden = true; rule.removeAttribute("d"); };
    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const [, , left, right] = axes.x, [, , bottom, top] = axes.y;
      if (point.x < left - 2 || point.x > right + 2) return leave();
      let here = left, best = Infinity;
      for (const { x } of knots)
        for (const each of x)
          if (Math.abs(each - point.x) < best) { best = Math.abs(each - point.x); here = each; }
      rule.setAttribute("d", `M ${here} ${bottom} V ${top}`);
      const rows = knots.flatMap(({ path, x, y }, i) => {
        let j = 0;
        x.forEach((each, m) => { if (Math.abs(each - here) < Math.abs(x[j] - here)) j = m; });
        if (!x.length || Math.abs(x[j] - here) > 4) return [];
        const text = `${labels[i]}  ${Number(value(axes.y, y[j]).toPrecision(4))}`;
        return [[text, getComputedStyle(path).stroke]];
      });
      tell([[`step ${Math.round(value(axes.x, here))}`], ...rows], event);
    });
    svg.addEventListener("pointerleave", leave);
  }

  document.querySelectorAll(".map").forEach(map);
  document.querySelectorAll("svg[data-axes]").forEach(curves);
})();
