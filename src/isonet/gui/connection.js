// What an open page does when the interface does not answer: it says so, asks for it now and then, and goes on.
(() => {
  const LONGEST = 20000;
  let lost = false, leaving = false, wait = 1000, timer = null;

  function show(text) {
    const bar = document.getElementById("connection");
    bar.querySelector("span").textContent = text;
    bar.hidden = false;
  }

  async function ask() {
    clearTimeout(timer);
    let status = 0;
    try {
      status = (await fetch("/alive", { cache: "no-store" })).status;
    } catch { /* nobody listens */ }
    if (!lost) return;
    if (status === 204) {
      const socket = window.socket;
      socket.io.opts.query.next_message_id = window.nextMessageId;
      socket.connect();
      timer = setTimeout(ask, 5000);
    } else if (status === 403) {
      show("The interface was started again. Open the address that it printed; this page then goes on by itself.");
    } else {
      show("The interface does not answer. Jobs run on. If it has ended, start it again with isonet gui; if it is " +
        "on another machine, look whether the ssh line still stands.");
      timer = setTimeout(ask, wait);
      wait = Math.min(2 * wait, LONGEST);
    }
  }

  function lose() {
    if (leaving) return;
    if (!lost) wait = 1000;
    lost = true;
    clearTimeout(timer);
    timer = setTimeout(ask, 500);
  }

  function watch() {
    if (!window.socket) {
      setTimeout(watch, 50);
      return;
    }
    window.socket.io.reconnection(false);
    window.socket.on("disconnect", lose);
    window.socket.on("connect_error", lose);
    window.socket.on("connect", () => {
      lost = false;
      clearTimeout(timer);
      document.getElementById("connection").hidden = true;
    });
    const pages = new BroadcastChannel("isonet");
    pages.onmessage = () => lost && ask();
    pages.postMessage("opened");
    document.querySelector("#connection button").onclick = ask;
    window.addEventListener("online", () => lost && ask());
    document.addEventListener("visibilitychange", () => lost && !document.hidden && ask());
  }

  window.addEventListener("pagehide", () => { leaving = true; });
  watch();
})();
