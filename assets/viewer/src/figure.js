import * as THREE from 'three';

const UP = new THREE.Vector3(0, 1, 0);
const HIDDEN = new THREE.Matrix4().makeScale(0, 0, 0);

// One method's skeleton with the points that were observed, and how far it is from them.
export class Figure {
  constructor(data, method) {
    Object.assign(this, { data, method, known: false, shift: new THREE.Vector3(), top: new THREE.Vector3() });
    this.group = new THREE.Group();
    const bones = data.parents.filter(p => p >= 0).length;
    const thick = 0.013 * data.size;
    this.bones = instances(new THREE.CylinderGeometry(1, 0.8, 1, 12), bones, { roughness: 0.6 });
    this.balls = instances(new THREE.SphereGeometry(1, 14, 10), data.parents.length, { roughness: 0.6 });
    this.points = instances(new THREE.SphereGeometry(1, 12, 8), data.points, { roughness: 0.9 });
    this.thick = thick;
    this.gaps = new THREE.LineSegments(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ vertexColors: true }));
    this.gaps.geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(6 * data.points), 3));
    this.gaps.geometry.setAttribute('color', new THREE.BufferAttribute(new Float32Array(6 * data.points), 3));
    this.gaps.frustumCulled = false;
    this.group.add(this.bones, this.balls, this.points, this.gaps);
  }

  paint(style) {
    this.colour = new THREE.Color(style.getPropertyValue(`--series-${this.method % 7}`).trim());
    this.ink = new THREE.Color(style.getPropertyValue('--ink').trim());
    this.bones.material.color = this.colour;
    this.balls.material.color = this.colour;
    this.points.material.color = new THREE.Color(0xffffff);
    this.recolour();
  }

  // Where its root is in a frame; nothing where the frame has no fit.
  root(frame) {
    const { data, method } = this;
    const place = new THREE.Vector3().fromArray(data.joints[method], 3 * frame * data.parents.length);
    return Number.isFinite(place.x) ? place : null;
  }

  pose(frame, root, errors) {
    Object.assign(this, { frame, errors });
    const { data, method } = this;
    const of = (array, count, i) => new THREE.Vector3().fromArray(array, 3 * (frame * count + i));
    const count = data.parents.length;
    const joints = data.parents.map((_, j) => of(data.joints[method], count, j));
    this.known = joints.length > 0 && joints.every(p => Number.isFinite(p.x));
    const middle = root ?? new THREE.Vector3();
    this.group.position.copy(this.shift);
    this.group.position.x += this.data.centre[0] - middle.x;
    this.group.position.z += this.data.centre[2] - middle.z;
    if (this.known) this.top.copy(joints.reduce((a, b) => (a.y > b.y ? a : b))).add(new THREE.Vector3(0, 0.07 * data.size, 0));
    let bone = 0;
    data.parents.forEach((parent, j) => {
      put(this.balls, j, this.known ? ball(joints[j], this.thick) : HIDDEN);
      if (parent >= 0) put(this.bones, bone++, this.known ? stick(joints[parent], joints[j], this.thick) : HIDDEN);
    });
    this.seen = [];
    for (let p = 0; p < data.points; p++) {
      const seen = of(data.observed, data.points, p);
      const said = of(data.predicted[method], data.points, p);
      const there = this.known && Number.isFinite(seen.x);
      put(this.points, p, there ? ball(seen, 0.9 * this.thick) : HIDDEN);
      this.seen.push(there && Number.isFinite(said.x) ? [seen, said, seen.distanceTo(said)] : null);
    }
    this.lines();
    this.recolour();
    for (const mesh of [this.bones, this.balls, this.points]) {
      mesh.instanceMatrix.needsUpdate = true;
    }
  }

  lines() {
    const place = this.gaps.geometry.attributes.position;
    this.seen.forEach((pair, p) => {
      const [a, b] = pair ?? [UP, UP];
      a.toArray(place.array, 6 * p);
      b.toArray(place.array, 6 * p + 3);
    });
    place.needsUpdate = true;
  }

  recolour() {
    if (!this.seen || !this.ink) return;
    const colours = this.gaps.geometry.attributes.color;
    this.seen.forEach((pair, p) => {
      const colour = this.errors && pair ? heat(pair[2] / this.data.scale) : this.ink;
      this.points.setColorAt(p, colour);
      colour.toArray(colours.array, 6 * p);
      colour.toArray(colours.array, 6 * p + 3);
    });
    colours.needsUpdate = true;
    if (this.points.instanceColor) this.points.instanceColor.needsUpdate = true;
  }
}

function instances(geometry, count, look) {
  const mesh = new THREE.InstancedMesh(geometry, new THREE.MeshStandardMaterial(look), Math.max(count, 1));
  mesh.count = count;
  mesh.frustumCulled = false;
  return mesh;
}

const put = (mesh, i, matrix) => mesh.setMatrixAt(i, matrix);

const ball = (at, size) => new THREE.Matrix4().makeScale(size, size, size).setPosition(at);

function stick(from, to, thick) {
  const way = to.clone().sub(from);
  const length = way.length();
  const turn = new THREE.Quaternion().setFromUnitVectors(UP, way.divideScalar(length || 1));
  const middle = from.clone().add(to).multiplyScalar(0.5);
  return new THREE.Matrix4().compose(middle, turn, new THREE.Vector3(thick, length, thick));
}

// From blue over white to vermillion, which all kinds of colour vision tell apart.
function heat(share) {
  const [low, middle, high] = [0x0072b2, 0xe8e8e8, 0xd55e00].map(c => new THREE.Color(c));
  const x = Math.min(Math.max(share, 0), 1);
  return x < 0.5 ? low.lerp(middle, 2 * x) : middle.lerp(high, 2 * x - 1);
}
