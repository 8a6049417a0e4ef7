/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Fetches the page anew and puts its main element in place of the old one,
 * keeping what is unfolded, scrolled to and focused. Pauses while nobody looks,
 * while a form is in use and while text is selected. A big page is fetched less
 * often: at most a twentieth of the time goes into it.
 *
 * What the page gets is this without indentation and without comments, which
 * therefore have lines of their own.
 */

(function () {
    'use strict';

    var live = document.getElementById('live');

    function main() {
        return document.getElementById('main');
    }

    function say(text) {
        if (live.textContent !== text) live.textContent = text;
    }

    function each(root, what, f) {
        Array.prototype.forEach.call(root.querySelectorAll(what), f);
    }

    function inUse() {
        var a = document.activeElement, sel = window.getSelection(), used = false;

        if (a && a.closest && a.closest('form')) return true;
        if (sel && !sel.isCollapsed) return true;
        each(main(), 'input', function (i) {
            if (i.value !== i.defaultValue) used = true;
        });
        return used;
    }

    function renew(text) {
        var doc = new DOMParser().parseFromString(text, 'text/html'), old = main();
        var fresh = doc.getElementById('main'), open = {}, left = [], focus, key, n = 0;

        if (!fresh) throw new Error('no page');
        each(old, 'details[open]', function (d) {
            open[d.dataset.key] = true;
        });
        each(old, '.scroll', function (d) {
            left.push([d.scrollLeft, d.scrollTop]);
        });
        key = document.activeElement && document.activeElement.closest('[data-key]');
        key = key && key.dataset.key;
        each(fresh, 'details', function (d) {
            if (open[d.dataset.key]) d.open = true;
            if (key && d.dataset.key === key) focus = d.querySelector('summary');
        });
        old.replaceWith(document.adoptNode(fresh));
        each(fresh, '.scroll', function (d) {
            var at = left[n++];

            if (at) {
                d.scrollLeft = at[0];
                d.scrollTop = at[1];
            }
        });
        if (focus) focus.focus({preventScroll: true});
        document.title = doc.title;
    }

    function again(after) {
        setTimeout(tick, after);
    }

    function tick() {
        var start = Date.now();

        if (document.hidden) {
            again(1000);
            return;
        }
        if (inUse()) {
            say('Not refreshed while a form is in use or text is selected.');
            again(1000);
            return;
        }
        fetch(location.href, {
            credentials: 'same-origin', cache: 'no-store', headers: {Accept: 'text/html'}
        }).then(function (r) {
            if (!r.ok) throw new Error('status ' + r.status);
            return r.text();
        }).then(function (text) {
            if (!inUse()) {
                renew(text);
                say('');
            }
        }).catch(function (e) {
            say('Cannot refresh (' + e.message + '): what you see is old.');
        }).then(function () {
            again(Math.max(5000, 20 * (Date.now() - start)));
        });
    }

    document.addEventListener('submit', function (e) {
        var ask = e.submitter && e.submitter.dataset.ask;

        if (ask && !window.confirm(ask)) e.preventDefault();
    });
    again(5000);
})();
