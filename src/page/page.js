/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Keeps the page as it is on the server: fetches what it shows as JSON every few
 * seconds, fills the pieces that the server fills, too (page.html; the gaps are told
 * of in pieces.h), and changes what differs. So focus, selection and scroll position
 * stay where they are, a form in use is left alone, and only changes are announced.
 *
 * Elements belong together by id or data-key; what has data-own is the script's.
 *
 * What the page gets is this without indentation and without comments, which
 * therefore have lines of their own.
 */

(function () {
    'use strict';

    var EVERY = 1000, HISTORY = 30000, PATIENCE = 5000, NOTE = 60000;
    var pieces = {}, lines = {}, states = null;
    var paused = false, busy = false, lost = '';
    var heard = Date.now(), asked = 0, ticked = 0, drawn = 0, cost = 0, began = Date.now();
    var announcer = document.createElement('p');

    JSON.parse(document.querySelector('script[type="application/json"]').textContent)
        .split('<!-- piece ').slice(1).forEach(function (piece) {
            var at = piece.indexOf(' -->\n');

            pieces[piece.slice(0, at)] = piece.slice(at + 5);
        });

    function main() {
        return document.querySelector('main');
    }

    function each(list, f) {
        Array.prototype.forEach.call(list, f);
    }

    /* ------------------------------------------------------------- times */

    function two(n) {
        return (n < 10 ? '0' : '') + n;
    }

    function clock(d) {
        return two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds());
    }

    function utc(d) {
        return d.toISOString().slice(0, 19);
    }

    function shown(d, now) {
        if (Math.abs(d - now) < 20 * 3600 * 1000) return clock(d);
        return d.getDate() + ' ' + d.toLocaleString('en', {month: 'short'}) + ' '
            + two(d.getHours()) + ':' + two(d.getMinutes());
    }

    function age(s) {
        var units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']], i = 0, text;

        s = Math.max(0, Math.floor(s));
        while (i < 3 && s < units[i][0]) i++;
        text = Math.floor(s / units[i][0]) + ' ' + units[i][1];
        s %= units[i][0];
        if (i < 2 && s >= units[i + 1][0]) {
            text += ' ' + Math.floor(s / units[i + 1][0]) + ' ' + units[i + 1][1];
        }
        return text;
    }

    function time(seconds, now, asAge) {
        var d = new Date(seconds * 1000);

        if (!seconds) return '';
        return '<time datetime="' + utc(d) + 'Z" title="' + utc(d).replace('T', ' ') + ' UTC">'
            + (asAge ? age(now - seconds) : shown(d, now * 1000)) + '</time>';
    }

    /* ------------------------------------------------------------- pieces */

    function escaped(text) {
        return String(text).replace(/[&<>"']/g, function (c) {
            return '&#' + c.charCodeAt(0) + ';';
        });
    }

    function find(views, name) {
        for (var i = views.length - 1; i >= 0; i--) {
            if (Object.prototype.hasOwnProperty.call(views[i], name)) return views[i][name];
        }
        return '';
    }

    function isThere(value) {
        return Array.isArray(value) ? value.length > 0 : Boolean(value);
    }

    function section(views, name, wanted, inner) {
        var value = find(views, name);

        if (isThere(value) !== wanted) return '';
        if (!Array.isArray(value) || !wanted) return fill(inner, views);
        return value.map(function (item) {
            return fill(inner, views.concat([item]));
        }).join('');
    }

    function fill(text, views) {
        var out = '', at = 0, gap, end, name, close;

        while ((gap = text.indexOf('{{', at)) >= 0) {
            out += text.slice(at, gap);
            end = text.indexOf('}}', gap);
            name = text.slice(gap + 2, end);
            at = end + 2;
            switch (name[0]) {
            case '#':
            case '^':
                close = '{{/' + name.slice(1) + '}}';
                end = text.indexOf(close, at);
                out += section(views, name.slice(1), name[0] === '#', text.slice(at, end));
                at = end + close.length;
                break;
            case '>':
                out += fill(pieces[name.slice(1)], views);
                break;
            case '@':
            case '~':
                out += time(find(views, name.slice(1)), views[0].time, name[0] === '~');
                break;
            default:
                out += escaped(find(views, name));
            }
        }
        return out + text.slice(at);
    }

    /* ------------------------------------------------------------- changes */

    function key(node) {
        return node.nodeType === 1 ? node.id || node.dataset.key || '' : '';
    }

    function alike(a, b) {
        return a.nodeName === b.nodeName && key(a) === key(b);
    }

    function isInUse(form) {
        var used = form.contains(document.activeElement)
            && document.activeElement.tagName === 'INPUT';

        each(form.querySelectorAll('input:not([type=hidden])'), function (input) {
            if (input.value !== input.defaultValue) used = true;
        });
        return used;
    }

    function changeAttributes(old, fresh) {
        each(Array.from(old.attributes), function (a) {
            if (!fresh.hasAttribute(a.name)) old.removeAttribute(a.name);
        });
        each(fresh.attributes, function (a) {
            if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
        });
    }

    function change(old, fresh) {
        if (old.nodeType !== 1) {
            if (old.data !== fresh.data) old.data = fresh.data;
            return;
        }
        if (old.dataset.own || (old.nodeName === 'FORM' && isInUse(old))) return;
        changeAttributes(old, fresh);
        changeChildren(old, fresh);
    }

    function counterpart(at, fresh) {
        if (!key(fresh)) return at && alike(at, fresh) ? at : null;
        for (; at; at = at.nextSibling) {
            if (alike(at, fresh)) return at;
        }
        return null;
    }

    function changeChildren(old, fresh) {
        var at = old.firstChild, wanted = {}, twin, next;

        each(fresh.children, function (child) {
            wanted[key(child)] = true;
        });
        each(Array.from(fresh.childNodes), function (child) {
            while (at && key(at) && !wanted[key(at)]) {
                next = at.nextSibling;
                old.removeChild(at);
                at = next;
            }
            twin = counterpart(at, child);
            if (!twin) {
                old.insertBefore(document.importNode(child, true), at);
                return;
            }
            if (twin !== at) old.insertBefore(twin, at);
            change(twin, child);
            at = twin.nextSibling;
        });
        while (at) {
            next = at.nextSibling;
            old.removeChild(at);
            at = next;
        }
    }

    function draw(view) {
        var template = document.createElement('template'), focus = document.activeElement;

        template.innerHTML = fill(pieces.main, [view]);
        change(main(), template.content.querySelector('main'));
        if (focus && focus !== document.activeElement && focus.isConnected) {
            focus.focus({preventScroll: true});
        }
        if (document.title !== view.title) document.title = view.title;
        document.querySelector('link[rel=icon]').href = icon(view.icon);
    }

    function icon(colour) {
        return 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
            + '<circle cx="4.5" cy="4.5" r="4" fill="%23' + colour + '"/></svg>';
    }

    /* What a screen reader is told: no numbers. */
    function announce() {
        var now = {}, news = [];

        each(document.querySelectorAll('tr.row'), function (row) {
            var word = now[row.id] = row.dataset.state;

            if (states && states[row.id] !== word) news.push(row.id + ': ' + word);
        });
        states = now;
        if (news.length) announcer.textContent = news.slice(0, 5).join('; ');
    }

    /* ------------------------------------------------------------- fetching */

    function hasHistory(view) {
        return view.fleets.some(function (fleet) {
            return 'path' in fleet;
        });
    }

    /* The lines come along every half minute: in between they stay. */
    function rememberLines(view, full) {
        var remember = function (item, name) {
            if (full) {
                lines[name] = [item.path, item.path_says];
            }
            else {
                item.path = lines[name] ? lines[name][0] : '';
                item.path_says = lines[name] ? lines[name][1] : '';
            }
        };

        view.fleets.forEach(function (fleet) {
            remember(fleet, 'fleet ' + fleet.fleet);
            fleet.rows.forEach(function (row) {
                if (!full && !lines['row ' + row.id]) drawn = 0;
                remember(row, 'row ' + row.id);
            });
        });
    }

    function show(view, full) {
        if (view.module !== main().dataset.module) {
            location.reload();
            return;
        }
        rememberLines(view, full || hasHistory(view));
        view.zone = "your browser's (" + Intl.DateTimeFormat().resolvedOptions().timeZone
            + '), UTC where you point at them';
        draw(view);
        announce();
        heard = Date.now();
        lost = '';
    }

    function address(full) {
        var query = location.search.slice(1);

        return location.pathname + '?' + (query ? query + '&' : '') + 'format=json&view=page'
            + (full ? '' : '&lines=none');
    }

    function ask() {
        var begun = Date.now(), full = begun - drawn >= HISTORY;
        var abort = new AbortController(), patience = setTimeout(function () {
            abort.abort();
        }, 2 * PATIENCE);
        var search = location.search;

        busy = true;
        asked = begun;
        if (full) drawn = begun;
        fetch(address(full), {
            credentials: 'same-origin', cache: 'no-store', signal: abort.signal,
            headers: {Accept: 'application/json'}
        }).then(function (r) {
            if (!r.ok) throw new Error('the server says ' + r.status);
            return r.json();
        }).then(function (view) {
            if (search === location.search) show(view, full);
        }).catch(function (e) {
            if (full) drawn = 0;
            lost = e.message || 'no answer';
        }).then(function () {
            clearTimeout(patience);
            cost = Date.now() - begun;
            busy = false;
            tick();
        });
    }

    function isLost() {
        return !paused && !document.hidden && Date.now() - Math.max(heard, began) > PATIENCE - (lost ? 2000 : 0);
    }

    function tell() {
        var old = Math.round((Date.now() - heard) / 1000) + ' s old', gone = isLost();
        var live = document.querySelector('.live');
        var text = gone ? 'No contact since ' + clock(new Date(heard))
            : paused ? 'paused, ' + old : 'live, ' + old;

        main().classList.toggle('lost', gone);
        live.firstChild.className = gone || paused ? '' : 'on';
        live.firstChild.textContent = gone ? '\u25cb' : '\u25cf';
        if (live.children[1].textContent !== text) live.children[1].textContent = text;
        if (live.dataset.lost !== String(gone)) {
            live.dataset.lost = String(gone);
            if (gone) announcer.textContent = text;
        }
    }

    function tick() {
        var now = Date.now(), since = now - asked;

        /* Somebody's machine has slept: nobody was asked meanwhile, so nothing is lost. */
        if (now - ticked > 3000) began = now;
        ticked = now;
        tell();
        if (!busy && !paused && !document.hidden && since >= Math.max(EVERY, 10 * cost)) ask();
        if (Date.now() - began > NOTE && /[?&](done|again)=/.test(location.search)
            && !document.querySelector('.note:focus-within')) {
            go(document.querySelector('.note .quiet').href);
        }
    }

    /* ------------------------------------------------------------- people */

    function go(href) {
        history.replaceState(null, '', href.replace(/#.*/, '') || location.pathname);
        drawn = 0;
        asked = 0;
        if (!busy) ask();
    }

    function remember(element) {
        var row = element.closest('tr.row, tr.more');

        if (row && row.classList.contains('more')) row = row.previousElementSibling;
        sessionStorage.setItem('place', JSON.stringify([scrollY, row ? row.id : '']));
    }

    function restore() {
        var place = JSON.parse(sessionStorage.getItem('place') || 'null'), row;

        if (!place || !/[?&](done|again)=/.test(location.search)) return;
        sessionStorage.removeItem('place');
        scrollTo(0, place[0]);
        row = place[1] && document.getElementById(place[1]);
        row = row && row.querySelector('.act button, .act a');
        if (row) row.focus({preventScroll: true});
    }

    function makeLive() {
        var live = document.querySelector('.live'), button = document.createElement('button');

        live.textContent = '';
        each([0, 1], function (i) {
            live.appendChild(document.createElement('span'));
            if (!i) live.firstChild.setAttribute('aria-hidden', 'true');
        });
        button.type = 'button';
        button.textContent = 'Pause';
        button.addEventListener('click', function () {
            paused = !paused;
            button.textContent = paused ? 'Go on' : 'Pause';
            asked = 0;
            began = Date.now();
            tick();
        });
        live.appendChild(button);
        announcer.className = 'vh';
        announcer.setAttribute('role', 'status');
        document.body.appendChild(announcer);
    }

    document.addEventListener('click', function (e) {
        var link = e.target.closest && e.target.closest('a[href^="?"]');

        if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
        if (/[?&]format=/.test(link.search)) return;
        if (/[?&]confirm=/.test(link.search)) {
            remember(link);
            return;
        }
        e.preventDefault();
        go(link.search || location.pathname);
    });
    document.addEventListener('submit', function (e) {
        remember(e.target);
    });
    document.addEventListener('visibilitychange', function () {
        began = Date.now();
        asked = 0;
        tick();
    });
    makeLive();
    announce();
    /* not before the browser has gone to the address's anchor */
    addEventListener('load', function () {
        setTimeout(restore, 0);
    });
    setInterval(tick, 500);
    tick();
})();
