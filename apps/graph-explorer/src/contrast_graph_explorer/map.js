// The map: points on a canvas. Props: cloud {x, y, series, titles, key, how}, once;
// value {node, near, linked, similarity} at every choice, similarity null: colours by class.
const canvas = element.querySelector('canvas');
const tip = element.querySelector('.tip');
const pen = canvas.getContext('2d');
const REACH = 12, EDGE = 18; // pixels
let view = { scale: 1, x: 0, y: 0 }, drag = null, over = -1;

const css = name => getComputedStyle(element).getPropertyValue('--' + name).trim();
const read = held => (typeof held === 'string' ? (held ? JSON.parse(held) : null) : held);
const colours = () => {
  const found = [];
  while (css('series-' + found.length)) found.push(css('series-' + found.length));
  return found;
};
const cloud = () => read(props.cloud);
const chosen = () => read(props.value);

function place(i, points) {
  const w = canvas.clientWidth - 2 * EDGE, h = canvas.clientHeight - 2 * EDGE;
  const side = Math.min(w, h);
  return [
    EDGE + w / 2 + (points.x[i] * side / 2) * view.scale + view.x,
    EDGE + h / 2 - (points.y[i] * side / 2) * view.scale + view.y,
  ];
}

function dot(x, y, radius, fill, ring) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) { pen.fillStyle = fill; pen.fill(); }
  if (ring) { pen.strokeStyle = ring; pen.lineWidth = 1.8; pen.stroke(); }
}

function draw() {
  const points = cloud(), state = chosen();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  pen.scale(ratio, ratio);
  if (!points) return;
  const faint = css('faint'), ink = css('ink'), accent = css('accent');
  const series = colours();
  const radius = Math.max(1.5, Math.min(4.5, 110 / Math.sqrt(points.x.length)));
  for (let i = 0; i < points.x.length; i++) {
    const [x, y] = place(i, points);
    const byClass = points.series[i] < 0 ? faint : series[points.series[i] % series.length];
    const share = state && state.similarity ? state.similarity[i] / 100 : null;
    pen.globalAlpha = share === null ? 0.75 : 0.08 + 0.92 * Math.max(share, 0) ** 3;
    dot(x, y, radius, share === null ? byClass : accent);
  }
  pen.globalAlpha = 1;
  if (!state) return;
  const [cx, cy] = place(state.node, points);
  pen.strokeStyle = css('quiet'); pen.lineWidth = 0.8; pen.globalAlpha = 0.5;
  for (const i of state.linked) {
    const [x, y] = place(i, points);
    pen.beginPath(); pen.moveTo(cx, cy); pen.lineTo(x, y); pen.stroke();
  }
  pen.globalAlpha = 1;
  for (const i of state.near) dot(...place(i, points), radius + 2.5, null, ink);
  dot(cx, cy, radius + 4, accent, css('paper'));
}

function nearest(event) {
  const points = cloud(), box = canvas.getBoundingClientRect();
  let best = -1, least = REACH ** 2;
  for (let i = 0; points && i < points.x.length; i++) {
    const [x, y] = place(i, points);
    const far = (x - event.clientX + box.left) ** 2 + (y - event.clientY + box.top) ** 2;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

function hover(event) {
  over = nearest(event);
  tip.style.visibility = over < 0 ? 'hidden' : 'visible';
  canvas.style.cursor = over < 0 ? 'grab' : 'pointer';
  if (over < 0) return;
  const [x, y] = place(over, cloud());
  tip.textContent = cloud().titles[over];
  tip.style.left = x + 'px';
  tip.style.top = y + 'px';
}

function legend() {
  const points = cloud();
  if (!points) return;
  const key = element.querySelector('.key');
  key.replaceChildren(...points.key.map((name, i) => {
    const entry = document.createElement('span'), spot = document.createElement('i');
    spot.style.background = `var(--series-${i % colours().length})`;
    entry.append(spot, name);
    return entry;
  }));
  element.querySelector('.how').textContent = points.how;
  canvas.dataset.points = points.x.length;
}

canvas.addEventListener('pointermove', event => {
  if (!drag) return hover(event);
  view.x += event.clientX - drag.x;
  view.y += event.clientY - drag.y;
  drag = { x: event.clientX, y: event.clientY, moved: true };
  draw();
});
canvas.addEventListener('pointerdown', event => {
  if (event.pointerType === 'mouse') drag = { x: event.clientX, y: event.clientY, moved: false };
});
window.addEventListener('pointerup', () => setTimeout(() => { drag = null; }));
canvas.addEventListener('pointerleave', () => { tip.style.visibility = 'hidden'; });
canvas.addEventListener('click', event => {
  const found = nearest(event);
  if (found >= 0 && !(drag && drag.moved)) trigger('select', { node: found });
});
canvas.addEventListener('wheel', event => {
  if (!event.ctrlKey && !event.metaKey && view.scale === 1 && event.deltaY > 0) return;
  event.preventDefault();
  const box = canvas.getBoundingClientRect(), scale = view.scale;
  view.scale = Math.min(40, Math.max(1, scale * Math.exp(-event.deltaY / 400)));
  const grown = view.scale / scale;
  const x = event.clientX - box.left - box.width / 2, y = event.clientY - box.top - box.height / 2;
  view.x = view.scale === 1 ? 0 : x - (x - view.x) * grown;
  view.y = view.scale === 1 ? 0 : y - (y - view.y) * grown;
  draw();
}, { passive: false });
canvas.addEventListener('dblclick', () => { view = { scale: 1, x: 0, y: 0 }; draw(); });
new ResizeObserver(draw).observe(canvas);
watch(['value', 'cloud'], () => { legend(); draw(); });
legend();
