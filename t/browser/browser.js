/*
 * A real Chromium for tests, told by JSON lines what to do: a line in on standard
 * input, a line out on standard output for each, in order.
 *
 *     browser.js <node_modules> <chromium>
 *     {"do":"open","url":"http://...","width":390}   {"value":1}        the page's number
 *     {"do":"eval","page":1,"js":"document.title"}   {"value":"..."}
 *     {"do":"nonsense"}                              {"error":"..."}
 *
 * t/lib/SVB/Browser.pm says what there is to do. Ends with its standard input.
 *
 * What tests ask of a page is evaluated by the debugger's own way, which the page's
 * Content-Security-Policy has no say in, and which leaves nothing in it.
 */
'use strict';

const fs = require('fs');
const readline = require('readline');

const [modules, program] = process.argv.slice(2);
const { chromium } = require(modules + '/playwright-core');
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8');

const pages = new Map();
let browser, count = 0;

/* Evaluated in the page before anything else; needs no script of the page's own. */
const watch = `addEventListener('securitypolicyviolation', e => {
    const say = 'CSP: ' + e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample;
    (self.__violations = self.__violations || []).push(say);
});`;

async function start() {
    /* Some of these are for root, some so that nothing leaves this machine. */
    browser = await chromium.launch({
        executablePath: program, headless: true, chromiumSandbox: false,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update',
            '--disable-sync', '--disable-dev-shm-usage', '--no-proxy-server',
            '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
    });
}

function text(error) {
    return String(error && error.message || error).split('\n')[0];
}

/* Everything that a page says or asks for is written down. */
async function listen(it) {
    const { page, cdp } = it;
    page.on('console', m => it.said.push(`${m.type()}: ${m.text()} (${m.location().url})`));
    page.on('pageerror', e => it.said.push('exception: ' + text(e)));
    page.on('dialog', d => {
        it.said.push('dialog: ' + d.message());
        d.dismiss().catch(() => {});
    });
    cdp.on('Network.requestWillBeSent', e => {
        it.asked.set(e.requestId, { url: e.request.url, method: e.request.method,
            type: e.type, bytes: 0, redirects: 0 });
    });
    cdp.on('Network.responseReceived', e => {
        const request = it.asked.get(e.requestId);
        if (request) {
            request.status = e.response.status;
            request.encoding = Object.entries(e.response.headers)
                .filter(([name]) => name.toLowerCase() === 'content-encoding')
                .map(([, value]) => value).join();
        }
    });
    cdp.on('Network.loadingFinished', e => {
        const request = it.asked.get(e.requestId);
        if (request) request.bytes = e.encodedDataLength;
    });
    cdp.on('Network.loadingFailed', e => {
        const request = it.asked.get(e.requestId);
        if (request && !e.canceled) request.failed = e.errorText;
    });
    await cdp.send('Network.enable');
    await page.addInitScript(watch);
    await scripts(it, !it.mute);
}

/* Not Playwright's javaScriptEnabled: axe could not run then. */
function scripts(it, on) {
    return it.mute && it.cdp.send('Emulation.setScriptExecutionDisabled', { value: !on });
}

async function evaluate(it, js) {
    const { result, exceptionDetails: wrong } = await it.cdp.send('Runtime.evaluate',
        { expression: js, awaitPromise: true, returnByValue: true,
            allowUnsafeEvalBlockedByCSP: false });
    if (wrong) throw new Error(wrong.exception && wrong.exception.description || wrong.text);
    return result.value;
}

/* The first true value of it, or its last one; a page that is just being left has none. */
async function until(it, js, seconds) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        let value;
        try {
            value = await evaluate(it, js);
        } catch (e) {
            if (!/context|navigat|Cannot find|closed/i.test(text(e)) || Date.now() >= end) throw e;
        }
        if (value || Date.now() >= end) return value === undefined ? null : value;
        await new Promise(done => setTimeout(done, 25));
    }
}

const can = {
    async open(o) {
        const context = await browser.newContext({
            viewport: { width: o.width || 1280, height: o.height || 900 },
            colorScheme: o.dark ? 'dark' : 'light',
            timezoneId: o.timezone || 'Europe/Amsterdam', locale: 'en-GB',
            hasTouch: (o.width || 1280) < 500, isMobile: (o.width || 1280) < 500,
            reducedMotion: 'reduce', extraHTTPHeaders: o.headers || {},
        });
        const page = await context.newPage();
        page.setDefaultTimeout(15000 * o.patience);
        const it = { context, page, mute: o.javascript === 0, said: [], asked: new Map() };
        it.cdp = await context.newCDPSession(page);
        await listen(it);
        pages.set(++count, it);
        await page.goto(o.url, { waitUntil: 'load' });
        return count;
    },
    go: (o, it) => it.page.goto(o.url, { waitUntil: 'load' }).then(r => r && r.status()),
    reload: (o, it) => it.page.reload({ waitUntil: 'load' }).then(r => r && r.status()),
    back: (o, it) => it.page.goBack({ waitUntil: 'load' }).then(r => r && r.status()),
    url: (o, it) => it.page.url(),
    eval: (o, it) => evaluate(it, o.js),
    until: (o, it) => until(it, o.js, o.seconds),
    text: (o, it) => it.page.locator(o.selector).first().innerText(),
    texts: (o, it) => it.page.locator(o.selector).allInnerTexts(),
    html: (o, it) => it.page.content(),
    click: (o, it) => it.page.locator(o.selector).first().click(),
    fill: (o, it) => it.page.locator(o.selector).first().fill(o.value),
    focus: (o, it) => it.page.locator(o.selector).first().focus(),
    press: (o, it) => it.page.keyboard.press(o.key),
    offline: (o, it) => it.context.setOffline(!!o.on),
    size: (o, it) => it.page.setViewportSize({ width: o.width, height: o.height || 900 }),
    dark: (o, it) => it.page.emulateMedia({ colorScheme: o.on ? 'dark' : 'light' }),
    async screenshot(o, it) {
        await it.page.screenshot({ path: o.file, fullPage: true, animations: 'disabled' });
    },
    async axe(o, it) {
        /* Where the page may not run scripts, axe may, once the page is there. */
        await scripts(it, true);
        await evaluate(it, axe + ';null');
        const found = await evaluate(it, `axe.run(document, { resultTypes: ['violations'],
            preload: false }).then(found => found.violations.map(v => ({ id: v.id,
                impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.target.join(' ') +
                ' ' + n.failureSummary) })))`);
        await scripts(it, false);
        return found;
    },
    /* What a page says of its policy's violations goes with it, but the console has it too. */
    async said(o, it) {
        const take = o.forget ? 'self.__violations.splice(0)' : 'self.__violations';
        const csp = await evaluate(it, `self.__violations ? ${take} : []`).catch(() => []);
        const all = it.said.concat(csp);
        if (o.forget) it.said = [];
        return all;
    },
    asked(o, it) {
        const all = [...it.asked.values()];
        if (o.forget) it.asked.clear();
        return all;
    },
    async close(o, it) {
        pages.delete(o.page);
        await it.context.close();
    },
};

async function answer(line) {
    const o = JSON.parse(line);
    try {
        if (!can[o.do]) throw new Error(`cannot ${o.do}`);
        const it = pages.get(o.page);
        if (o.do !== 'open' && !it) throw new Error(`no page ${o.page}`);
        const value = await can[o.do](o, it);
        return { value: value === undefined ? null : value };
    } catch (e) {
        return { error: String(e && e.message || e) };
    }
}

async function main() {
    await start();
    process.stdout.write('{"value":"ready"}\n');
    for await (const line of readline.createInterface({ input: process.stdin })) {
        process.stdout.write(JSON.stringify(await answer(line)) + '\n');
    }
    await browser.close();
}

main().then(() => process.exit(0), e => {
    process.stdout.write(JSON.stringify({ error: text(e) }) + '\n');
    process.exit(1);
});
