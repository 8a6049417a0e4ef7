"use strict";
// The NGClient's page script: one WebSocket for this window, opened again when
// it breaks; a node that does not know the session has the page loaded anew.
(() => {
    const path = document.currentScript.dataset.socket;
    const show = (id, text) => { document.getElementById(id).textContent = text; };
    const note = (text) => {
        const log = document.getElementById("log");
        log.textContent = new Date().toLocaleTimeString() + "  " + text + "\n" + log.textContent;
    };
    let socket;
    let said = 0;

    function heard(message) {
        note("node " + message.node + ": " + message.event + (message.text ? " " + message.text : ""));
        show("socketnode", message.node);
        if (message.event === "reload") {
            socket.onclose = null;
            setTimeout(() => location.reload(), 1000);
        }
    }

    function open() {
        socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
        socket.onopen = () => show("state", "open");
        socket.onmessage = (event) => heard(JSON.parse(event.data));
        socket.onclose = () => {
            show("state", "closed");
            note("connection lost, trying again");
            setTimeout(open, 1000);
        };
    }

    document.getElementById("say").onclick = () => socket.send("hello " + ++said);
    open();
})();
