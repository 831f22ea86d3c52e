import * as THREE from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
import { read } from './data.js';
import { Figure } from './figure.js';

// The fits over the frames, side by side or one over the other.
export function viewer(place) {
  const data = read();
  if (!data) return;
  let renderer;
  try {
    renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  } catch {
    place.replaceWith(Object.assign(document.createElement('p'), { textContent: 'This browser draws no WebGL, so the fits cannot be shown in space.' }));
    return;
  }
  const stage = new Stage(place, renderer, data);
  controls(stage, data);
  stage.show(data.first);
  document.documentElement.dataset.drawn = 'yes';
}

class Stage {
  constructor(place, renderer, data) {
    Object.assign(this, { place, renderer, data, frame: 0, apart: true, errors: false });
    this.hidden = new Set();
    place.append(renderer.domElement);
    renderer.domElement.tabIndex = 0;
    renderer.domElement.setAttribute('role', 'img');
    renderer.domElement.setAttribute('aria-label', 'The fitted skeletons and the observed points; drag or use the arrow keys to turn, + and − to come nearer');
    this.scene = new THREE.Scene();
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0x8c8c8c, 2.4));
    const sun = new THREE.DirectionalLight(0xffffff, 1.6);
    sun.position.set(2, 5, 3);
    this.scene.add(sun);
    this.camera = new THREE.PerspectiveCamera(35, 1, 0.05, 200);
    this.orbit = new OrbitControls(this.camera, renderer.domElement);
    this.orbit.addEventListener('change', () => this.draw());
    this.figures = data.methods.map((method, m) => new Figure(data, m));
    this.figures.forEach(figure => this.scene.add(figure.group));
    this.ground();
    this.labels();
    new ResizeObserver(() => this.resize()).observe(place);
    document.addEventListener('theme', () => this.paint());
    this.paint();
    this.resize();
    this.arrange();
  }

  ground() {
    const [half, deep, step] = [this.data.reach + 0.5 * this.data.methods.length * this.data.spacing, 1.2 * this.data.size, 0.25 * this.data.size];
    const ends = [];
    for (let x = -half; x <= half; x += step) ends.push(x, 0, -deep, x, 0, deep);
    for (let z = -deep; z <= deep + 1e-9; z += step) ends.push(-half, 0, z, half, 0, z);
    const lines = new THREE.BufferGeometry().setAttribute('position', new THREE.Float32BufferAttribute(ends, 3));
    this.grid = new THREE.LineSegments(lines, new THREE.LineBasicMaterial({ transparent: true, opacity: 0.45 }));
    this.grid.position.set(this.data.centre[0], this.data.ground, this.data.centre[2]);
    this.scene.add(this.grid);
  }

  labels() {
    this.names = this.data.methods.map((method, m) => {
      const label = document.createElement('span');
      label.className = 'figure-name';
      label.textContent = method;
      label.style.color = `var(--series-${m % 7})`;
      this.place.append(label);
      return label;
    });
  }

  paint() {
    const style = getComputedStyle(document.documentElement);
    this.scene.background = new THREE.Color(style.getPropertyValue('--panel').trim());
    this.grid.material.color = new THREE.Color(style.getPropertyValue('--grid-line').trim());
    this.figures.forEach(figure => figure.paint(style));
    this.draw();
  }

  resize() {
    const [width, height] = [this.place.clientWidth, this.place.clientHeight];
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    if (!this.seen) this.home();
    this.seen = true;
    this.draw();
  }

  // Where the methods stand: in a row, or one over the other.
  arrange() {
    const shown = this.figures.filter((_, m) => !this.hidden.has(m));
    shown.forEach((figure, k) => {
      figure.shift.x = this.apart ? (k - (shown.length - 1) / 2) * this.data.spacing : 0;
    });
    this.figures.forEach((figure, m) => {
      figure.group.visible = !this.hidden.has(m);
    });
    this.home();
  }

  home() {
    const shown = this.figures.length - this.hidden.size;
    const width = this.data.size + (this.apart ? Math.max(shown - 1, 0) * this.data.spacing : 0);
    const fov = THREE.MathUtils.degToRad(this.camera.fov) / 2;
    const far = Math.max(width / 2 / Math.tan(fov) / this.camera.aspect, 0.62 * this.data.size / Math.tan(fov)) * 1.12;
    this.orbit.target.fromArray(this.data.centre);
    this.camera.position.set(this.data.centre[0], this.data.centre[1] + 0.25 * far, this.data.centre[2] + far);
    this.orbit.update();
    this.draw();
  }

  show(frame) {
    this.frame = frame;
    // All stand on one place of the frame, so that what lies between them stays.
    const root = this.figures.map(figure => figure.root(frame)).find(p => p !== null) ?? null;
    this.figures.forEach(figure => figure.pose(frame, root, this.errors));
    this.draw();
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
    const at = new THREE.Vector3();
    this.names.forEach((label, m) => {
      const figure = this.figures[m];
      label.hidden = this.hidden.has(m) || !figure.known;
      if (label.hidden) return;
      at.copy(figure.top).add(figure.group.position).project(this.camera);
      label.style.left = `${50 + 50 * at.x}%`;
      label.style.top = `${50 - 50 * at.y}%`;
    });
  }
}

function controls(stage, data) {
  const find = name => document.getElementById(name);
  const [slider, said, play] = [find('frame'), find('frame-said'), find('play')];
  slider.max = data.frames.length - 1;
  const say = () => {
    said.textContent = data.frames[stage.frame];
    slider.setAttribute('aria-valuetext', data.frames[stage.frame]);
  };
  const go = frame => {
    slider.value = frame;
    stage.show(frame);
    say();
  };
  slider.addEventListener('input', () => go(Number(slider.value)));
  find('apart').addEventListener('change', event => {
    stage.apart = event.target.checked;
    stage.arrange();
    go(stage.frame);
  });
  find('errors').addEventListener('change', event => {
    stage.errors = event.target.checked;
    go(stage.frame);
  });
  document.querySelectorAll('input[data-method]').forEach(box => box.addEventListener('change', () => {
    const method = Number(box.dataset.method);
    box.checked ? stage.hidden.delete(method) : stage.hidden.add(method);
    stage.arrange();
    go(stage.frame);
  }));
  document.querySelectorAll('button[data-frame]').forEach(button => button.addEventListener('click', () => {
    go(Number(button.dataset.frame));
    stage.place.scrollIntoView({ block: 'center' });
  }));
  find('home').addEventListener('click', () => stage.home());
  let timer = null;
  play.addEventListener('click', () => {
    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = 'Play';
    };
    if (timer) return stop();
    play.textContent = 'Stop';
    timer = setInterval(() => go((stage.frame + 1) % data.frames.length), data.step);
  });
  stage.renderer.domElement.addEventListener('keydown', event => {
    const turns = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    const nearer = { '+': 0.9, '-': 1.1 }[event.key];
    if (!turns && !nearer) return;
    event.preventDefault();
    const off = stage.camera.position.clone().sub(stage.orbit.target);
    const round = new THREE.Spherical().setFromVector3(off);
    round.theta += turns ? turns[0] : 0;
    round.phi = THREE.MathUtils.clamp(round.phi + (turns ? turns[1] : 0), 0.05, Math.PI - 0.05);
    round.radius *= nearer ?? 1;
    stage.camera.position.setFromSpherical(round).add(stage.orbit.target);
    stage.orbit.update();
    stage.draw();
  });
  slider.value = data.first;
  stage.frame = data.first;
  say();
}
