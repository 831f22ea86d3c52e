// What the page holds for the scene: a description, and numbers as little-endian floats in base 64.
export function read() {
  const text = document.getElementById('scene-data');
  if (!text) return null;
  const data = JSON.parse(text.textContent);
  data.joints = data.joints.map(floats);
  data.observed = floats(data.observed);
  data.predicted = data.predicted.map(floats);
  return data;
}

function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
