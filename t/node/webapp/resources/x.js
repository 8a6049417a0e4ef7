"use strict";
// The NGClient's page script: one WebSocket for this window, opened again when
// it breaks, later and later; a node that does not know the session closes it with
// the code 1003, and has the page loaded anew.
(() => {
    const path = document.currentScript.dataset.socket;
    const show = (id, text) => { document.getElementById(id).textContent = text; };
    const note = (text) => {
        const log = document.getElementById("log");
        log.textContent = new Date().toLocaleTimeString() + "  " + text + "\n" + log.textContent;
    };
    let socket;
    let said = 0;
    let pause = 1000;

    function heard(message) {
        note("node " + message.node + ": " + message.event + (message.text ? " " + message.text : ""));
        show("socketnode", message.node);
    }

    function open() {
        socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
        socket.onopen = () => {
            show("state", "open");
            pause = 1000;
        };
        socket.onmessage = (event) => heard(JSON.parse(event.data));
        socket.onclose = (event) => {
            show("state", "closed");
            if (event.code === 1003) {
                note("no such session, loading the page");
                setTimeout(() => location.reload(), 1000);
                return;
            }
            note("connection lost, trying again");
            setTimeout(open, pause);
            pause = Math.min(pause * 1.5, 30000);
        };
    }

    document.getElementById("say").onclick = () => socket.send("hello " + ++said);
    open();
})();
