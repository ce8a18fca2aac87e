// The viewer: slices of the volumes of a tomogram with one cursor, one zoom and one contrast.
// While one moves, pictures are small JPEGs, asked for as fast as they come; at rest, exact PNGs take their place.
(() => {
  const ACROSS = { xy: 0, xz: 1, yz: 2 };  // axis of [z, y, x] that a plane is perpendicular to
  const AXES = { xy: [1, 2], xz: [0, 2], yz: [0, 1] };  // axes upwards and to the right
  const LAYOUTS = { 1: "xy", 2: "xz", 3: "yz", 4: "all" };
  const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
  const REFERENCE = 768;  // pixels of the pictures whose grey values count
  const MOVING = { size: 512, quality: 35 };
  const SIZES = [768, 1024, 1536, 2048];
  const REST = 250;  // ms without a move
  const FLYING = 3;  // pictures of a pane that are on their way at once
  const CLICK = 4;  // pixels that a click may move

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const make = (parent, tag, name = "") => {
    const made = parent.appendChild(document.createElement(tag));
    made.className = name;
    return made;
  };

  class Pane {
    constructor(viewer, parent, volume, plane) {
      Object.assign(this, { viewer, volume, plane, asked: 0, seen: 0, flying: 0, again: false, view: "", url: "", step: 1, index: -1 });
      this.box = make(parent, "div", `pane ${plane}`);
      this.box.dataset.testid = `pane-${volume.title}`;
      this.box.dataset.plane = plane;
      this.box.tabIndex = 0;
      this.slice = make(this.box, "img", "slice");
      this.confidence = make(this.box, "img", "overlay confidence");
      this.mask = make(this.box, "img", "overlay mask");
      this.lines = ["across", "along"].map(name => make(this.box, "div", `line ${name}`));
      this.caption = make(this.box, "div", "caption");
      this.bar = make(this.box, "div", "scalebar");
      for (const one of [this.slice, this.confidence, this.mask]) {
        one.draggable = false;
        one.alt = "";
        one.hidden = true;
      }
      this.listen();
    }

    get shown() { return this.viewer.before ? this.viewer.config.volumes[0] : this.volume; }

    at(event) {  // place in voxels along the axes upwards and to the right
      const box = this.box.getBoundingClientRect(), scale = this.viewer.scale, [up, right] = AXES[this.plane];
      return [
        this.viewer.centre[up] - (event.clientY - box.top - box.height / 2) / scale,
        this.viewer.centre[right] + (event.clientX - box.left - box.width / 2) / scale,
      ];
    }

    listen() {
      const viewer = this.viewer, [up, right] = AXES[this.plane];
      let from = null;
      this.box.addEventListener("pointerenter", () => viewer.attend(this.plane));
      this.box.addEventListener("focus", () => viewer.attend(this.plane));
      this.box.addEventListener("contextmenu", event => event.preventDefault());
      this.box.addEventListener("pointerdown", event => {
        from = { x: event.clientX, y: event.clientY, moved: false, light: event.button === 2 || event.shiftKey,
          centre: [...viewer.centre], brightness: viewer.brightness, contrast: viewer.contrast };
        this.box.setPointerCapture(event.pointerId);
      });
      this.box.addEventListener("pointermove", event => {
        if (!from) return;
        const x = event.clientX - from.x, y = event.clientY - from.y;
        from.moved ||= Math.hypot(x, y) > CLICK;
        if (!from.moved) return;
        if (from.light) {
          viewer.brightness = clamp(from.brightness - y / 200, 0.2, 4);
          viewer.contrast = clamp(from.contrast + x / 200, 0.2, 4);
        } else {
          viewer.centre[up] = from.centre[up] + y / viewer.scale;
          viewer.centre[right] = from.centre[right] - x / viewer.scale;
        }
        viewer.draw();
      });
      this.box.addEventListener("pointerup", event => {
        if (from && !from.moved && !from.light) {
          this.at(event).forEach((value, number) => viewer.go([up, right][number], Math.floor(value)));
        } else if (from?.moved) viewer.touch();
        from = null;
      });
      this.box.addEventListener("pointercancel", () => { from = null; });
      this.box.addEventListener("wheel", event => {
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) viewer.magnify(Math.exp(-event.deltaY / 300), this, event);
        else if (event.deltaY) viewer.go(ACROSS[this.plane], viewer.place[ACROSS[this.plane]] + (event.deltaY > 0 ? -1 : 1));
      }, { passive: false });
    }

    address(volume, moving) {
      const { state, config, place } = this.viewer, axis = ACROSS[this.plane];
      const edges = AXES[this.plane].map(each => config.shape[each]);
      const pixels = Math.max(...edges) * this.viewer.scale * devicePixelRatio;
      const { size, quality } = moving ? MOVING : { size: SIZES.find(each => each >= pixels) ?? SIZES.at(-1), quality: 0 };
      const asked = { path: volume.path, plane: this.plane, index: place[axis], slab: state.slab,
        lowpass: volume.raw ? state.lowpass : state.lowpass_corrected, low: state.low, high: state.high,
        size, reference: REFERENCE, quality, of: volume.of };
      const view = JSON.stringify({ ...asked, size: 0, quality: 0 });
      return { view, url: `/image/slice?${new URLSearchParams(asked)}`, step: Math.ceil(Math.max(...edges) / size) };
    }

    ask() {
      const { moving } = this.viewer, { view, url, step } = this.address(this.shown, moving);
      if (url === this.url || (moving && view === this.view)) return this.cover();
      if (this.flying >= FLYING) {
        this.again = true;
        return;
      }
      const number = ++this.asked, index = this.viewer.place[ACROSS[this.plane]], image = new Image();
      this.flying++;
      image.src = url;
      image.decode().catch(() => {}).finally(() => {
        this.flying--;
        if (number > this.seen && image.naturalWidth) {
          Object.assign(this, { seen: number, view, url, step, index });
          this.slice.src = url;
          this.slice.hidden = false;
          this.draw();
          this.cover();
        }
        if (this.again) {
          this.again = false;
          this.ask();
        }
      });
    }

    cover() {  // what lies over the slice, once one rests at it
      const { state, config, moving, place } = this.viewer, index = place[ACROSS[this.plane]];
      const step = Math.ceil(Math.max(...AXES[this.plane].map(each => config.shape[each])) / REFERENCE);
      for (const [name, wanted] of [["mask", state.outlined], ["confidence", state.confidence > 0]]) {
        const overlay = this[name], file = config[name];
        overlay.hidden = !file || !wanted || moving || index !== this.index;
        if (overlay.hidden) continue;
        const asked = { path: file.path, plane: this.plane, index, step, of: file.of };
        const url = `/image/${name === "mask" ? "outline" : name}?${new URLSearchParams(asked)}`;
        if (overlay.getAttribute("src") !== url) overlay.src = url;
        if (name === "confidence") overlay.style.opacity = state.confidence / 100;
        this.lay(overlay, step);
      }
      if (!moving && this.volume !== config.volumes[0] && !this.viewer.before) {
        const { url } = this.address(config.volumes[0], false);  // so that before and after change at once
        if (this.kept?.name !== url) this.kept = Object.assign(new Image(), { src: url, name: url });
      }
    }

    lay(picture, step) {  // a picture of all voxels of the plane, binned
      const { centre, scale, config } = this.viewer, [up, right] = AXES[this.plane];
      const [rows, columns] = [up, right].map(axis => Math.floor(config.shape[axis] / step) * step);
      const { clientWidth, clientHeight } = this.box;
      picture.style.width = `${columns * scale}px`;
      picture.style.height = `${rows * scale}px`;
      picture.style.transform = `translate(${clientWidth / 2 - centre[right] * scale}px, ` +
        `${clientHeight / 2 - (rows - centre[up]) * scale}px)`;
    }

    draw() {
      const { place, centre, scale, config, brightness, contrast } = this.viewer, [up, right] = AXES[this.plane];
      const { clientWidth, clientHeight } = this.box;
      this.lay(this.slice, this.step);
      if (!this.mask.hidden || !this.confidence.hidden) this.cover();
      this.slice.style.filter = `brightness(${brightness}) contrast(${contrast})`;
      this.slice.style.imageRendering = this.step === 1 && scale >= 3 ? "pixelated" : "auto";
      this.lines[0].style.top = `${clientHeight / 2 - (place[up] + 0.5 - centre[up]) * scale}px`;
      this.lines[1].style.left = `${clientWidth / 2 + (place[right] + 0.5 - centre[right]) * scale}px`;
      const name = `${this.shown.title}, ${this.plane.toUpperCase()}`;
      this.caption.textContent = name;
      this.caption.classList.toggle("before", this.viewer.before);
      this.box.setAttribute("aria-label", `${name}, ${"zyx"[ACROSS[this.plane]]} ${place[ACROSS[this.plane]]}`);
      this.box.setAttribute("role", "img");
      const unit = config.pixel ? config.pixel / 10 : 1, most = Math.min(120, clientWidth / 2) / scale * unit;
      const power = 10 ** Math.floor(Math.log10(most)), length = [5, 2, 1].find(each => each * power <= most) * power;
      this.bar.style.width = `${length / unit * scale}px`;
      this.bar.textContent = `${Number(length.toPrecision(1))} ${config.pixel ? "nm" : "voxels"}`;
    }
  }

  class Viewer {
    constructor(root, config, state) {
      Object.assign(this, { root, config, state, panes: [], before: false, moving: false, timer: null, plane: "xy" });
      this.place = config.shape.map(edge => Math.floor(edge / 2));
      this.label = document.querySelector("[data-testid=place]");
      this.slider = document.querySelector("[data-testid=section]");
      this.slider.addEventListener("input", () => this.go(ACROSS[this.plane], Number(this.slider.value)));
      window.addEventListener("keydown", event => this.press(event));
      window.addEventListener("keyup", event => event.key.toLowerCase() === "b" && this.compare(false));
      window.addEventListener("blur", () => this.compare(false));
      window.addEventListener("resize", () => this.draw());
      this.fit();
      this.fill();
    }

    get scale() { return this.zoom * this.fitting; }

    get fitting() {  // pixels of a voxel at which all panes show all of their planes
      return Math.min(...this.panes.flatMap(({ box, plane }) => [
        box.clientHeight / this.config.shape[AXES[plane][0]], box.clientWidth / this.config.shape[AXES[plane][1]]]));
    }

    fit() {
      this.centre = this.config.shape.map(edge => edge / 2);
      Object.assign(this, { zoom: 1, brightness: 1, contrast: 1 });
    }

    fill() {  // three planes of the last volume, or one plane of each
      const { layout, shown } = this.state, all = layout === "all";
      const volumes = this.config.volumes.filter(each => shown.includes(each.title));
      const [rows, columns] = AXES[all ? "xy" : layout].map(axis => this.config.shape[axis]);
      this.root.replaceChildren();
      this.root.className = `viewer ${all ? "all" : columns > 1.5 * rows ? "flat" : "tall"}`;
      this.panes = (all ? volumes.slice(-1) : volumes).flatMap(volume => {
        const part = make(this.root, "div", "part");
        const made = (all ? Object.keys(ACROSS) : [layout]).map(plane => new Pane(this, part, volume, plane));
        const side = make(part, "div", "spectra");
        for (const [plane, address] of Object.entries(volume.spectra)) {
          const picture = make(side, "img");
          Object.assign(picture, { src: address, alt: `Power spectrum of ${plane}` });
          make(side, "div", "muted").textContent = `power, ${plane}`;
        }
        return made;
      });
      this.attend(all ? this.plane : layout);
      this.draw();
      this.touch();
    }

    set(changes) {
      const before = JSON.stringify([this.state.layout, this.state.shown]);
      Object.assign(this.state, changes);
      if (JSON.stringify([this.state.layout, this.state.shown]) !== before) this.fill();
      else this.touch();
    }

    attend(plane) {  // the plane that keys and the slider move
      if (this.state.layout !== "all" && plane !== this.state.layout) return;
      this.plane = plane;
      for (const pane of this.panes) pane.box.classList.toggle("attended", pane.plane === plane);
      this.slider.max = this.config.shape[ACROSS[plane]] - 1;
      this.tell();
    }

    tell() {
      const axis = ACROSS[this.plane];
      this.slider.value = this.place[axis];
      this.label.textContent = `${"zyx"[axis]} ${this.place[axis]} of ${this.config.shape[axis]}`;
    }

    go(axis, to) {
      this.place[axis] = clamp(to, 0, this.config.shape[axis] - 1);
      this.tell();
      this.draw();
      this.touch();
    }

    touch() {  // ask for pictures of what is looked at now, and for better ones when it stays so
      this.moving = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.moving = false;
        this.panes.forEach(pane => pane.ask());
      }, REST);
      this.panes.forEach(pane => pane.ask());
    }

    compare(before) {
      if (this.before === before) return;
      this.before = before;
      this.panes.forEach(pane => pane.ask());
      this.draw();
    }

    magnify(factor, pane, event) {
      const axes = pane ? AXES[pane.plane] : [], held = pane ? pane.at(event) : [], old = this.scale;
      this.zoom = clamp(this.zoom * factor, 0.5, 64);
      axes.forEach((axis, number) => {
        this.centre[axis] = held[number] + (this.centre[axis] - held[number]) * old / this.scale;
      });
      this.draw();
      this.touch();
    }

    draw() { this.panes.forEach(pane => pane.draw()); }

    press(event) {
      if (!this.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest?.("input, select, textarea, [role=listbox], .q-dialog")) return;
      const key = event.key, axis = ACROSS[this.plane];
      if (key in STEPS) this.go(axis, this.place[axis] + STEPS[key]);
      else if (key in LAYOUTS) emitEvent("viewer_layout", LAYOUTS[key]);
      else if (key === "+" || key === "=") this.magnify(1.25);
      else if (key === "-") this.magnify(0.8);
      else if (key === "0") this.home();
      else if (key.toLowerCase() === "b") this.compare(true);
      else return;
      event.preventDefault();
    }

    home() {
      this.fit();
      this.draw();
      this.touch();
    }
  }

  window.openViewer = (config, state) => {
    window.isonetViewer = new Viewer(document.getElementById("viewer"), config, state);
  };
})();
