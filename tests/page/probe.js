// Uses the page as a person would, and writes down what happened.
addEventListener('load', () => setTimeout(() => {
  const found = { mistakes: window.mistakes, requests: performance.getEntriesByType('resource').length };
  const canvas = document.querySelector('#scene canvas');

  // Pixels by the colour of each method.
  const picture = () => {
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0);
    return context.getImageData(0, 0, copy.width, copy.height).data;
  };
  const hues = ['#0072b2', '#a86f00', '#00805d'].map(c => [1, 3, 5].map(k => parseInt(c.slice(k, k + 2), 16)));
  const near = (pixel, hue) => {
    const size = x => Math.hypot(...x) || 1;
    const along = pixel.reduce((sum, x, k) => sum + x * hue[k], 0) / size(pixel) / size(hue);
    return along > 0.985 && size(pixel) > 40 && Math.max(...pixel) - Math.min(...pixel) > 30;
  };
  const count = () => {
    const data = picture();
    const counts = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const pixel = [data[i], data[i + 1], data[i + 2]];
      hues.forEach((hue, m) => { if (near(pixel, hue)) counts[m]++; });
    }
    return counts;
  };
  document.documentElement.dataset.theme = 'light';
  document.dispatchEvent(new Event('theme'));
  found.pixels = count();

  const table = document.querySelector('table.sortable');
  const names = () => [...table.tBodies[0].rows].map(row => row.cells[0].textContent);
  const values = () => [...table.tBodies[0].rows].map(row => Number(row.cells[1].dataset.sort));
  const rises = x => x.every((v, k) => k === 0 || x[k - 1] <= v);
  const button = table.tHead.rows[0].cells[1].querySelector('button');
  button.click();
  found.sorted_by_mouse = rises(values());
  button.focus();
  // A button that has the focus turns Enter into a click; synthetic keys do not, so the focus is what is tested.
  if (document.activeElement === button) button.click();
  found.sorted_back_from_focus = rises(values().reverse()) && table.tHead.rows[0].cells[1].getAttribute('aria-sort') === 'descending';

  const slider = document.getElementById('frame');
  const before = picture();
  slider.value = 12;
  slider.dispatchEvent(new Event('input'));
  const differs = (a, b) => a.some((x, i) => Math.abs(x - b[i]) > 40);
  const after = picture();
  found.scrubbed = differs(before, after) && document.getElementById('frame-said').textContent === 'frame 12';
  canvas.focus();
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
  found.turned_by_key = document.activeElement === canvas && differs(after, picture());
  const row = picture();
  document.getElementById('apart').click();
  found.laid_over = differs(row, picture());
  document.getElementById('apart').click();
  const box = document.querySelector('input[data-method="1"]');
  box.click();
  const counts = count();
  found.hidden_by_box = counts[1] < 50 && counts[0] > 300;

  // The least contrast of any text with what lies behind it.
  const channel = x => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = colour => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(x => channel(x / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\)$/.test(colour) && colour !== 'transparent') return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  found.contrast = {};
  for (const theme of ['light', 'dark']) {
    document.documentElement.dataset.theme = theme;
    let worst = { least: 21 };
    for (const element of document.querySelectorAll('body *:not(script)')) {
      const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
      if (!own || element.closest('[hidden]')) continue;
      const colour = element.closest('svg') ? getComputedStyle(element).fill : getComputedStyle(element).color;
      const [a, b] = [light(colour), light(behind(element))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < worst.least) worst = { least: ratio, text: element.textContent.slice(0, 40), colour };
    }
    found.contrast[theme] = worst;
  }
  const out = document.createElement('pre');
  out.id = 'probe';
  out.textContent = JSON.stringify(found);
  document.body.append(out);
}, 500));
