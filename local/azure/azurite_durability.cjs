// Loaded into Azurite before it starts (node --require). Azurite saves its tables every five seconds; here an answer to a
// write waits until the tables are on disk, so that a world survives `kill -9` at any moment. And it ends with its parent.
"use strict";
const http = require("http");
const Loki = require(require.resolve("lokijs", { paths: [process.env.AZURITE_FOLDER] }));

const AFFORDABLE = 3000; // records; saving more than these is left to the timer, or writing would crawl
const databases = new Set();
let lastCost = 0;
let running = null;
let next = null;

function saveAll() {
  const began = Date.now();
  const dirty = [...databases].filter((db) => db.autosaveDirty());
  return Promise.all(dirty.map((db) => new Promise((done) => db.saveDatabase(() => done())))).then(() => {
    lastCost = Date.now() - began;
  });
}

const records = () => [...databases].reduce((sum, db) => db.collections.reduce((all, each) => all + each.count(), sum), 0);

// One save at a time; whoever asks while one runs shares the next.
function saved() {
  if (running) {
    next = next || running.then(() => ((next = null), begin()));
    return next;
  }
  return begin();
}

function begin() {
  running = saveAll().finally(() => (running = null));
  return running;
}

Loki.prototype.autosaveEnable = function () {
  databases.add(this);
  const wait = () => {
    this.autosaveHandle = setTimeout(() => saved().then(wait), Math.max(100, 10 * lastCost));
  };
  wait();
};
Loki.prototype.autosaveDisable = function () {
  databases.delete(this);
  clearTimeout(this.autosaveHandle);
};

const end = http.ServerResponse.prototype.end;
http.ServerResponse.prototype.end = function (...args) {
  if (this.req.method === "GET" || this.req.method === "HEAD" || records() > AFFORDABLE) return end.apply(this, args);
  saved().then(() => end.apply(this, args));
  return this;
};

// Azurite's own way out waits for idle connections. What it would save is saved here; then it ends at once.
const leave = () => saved().then(() => process.exit(0));
process.once("SIGTERM", leave);
process.stdin.on("end", leave);
process.stdin.resume();
