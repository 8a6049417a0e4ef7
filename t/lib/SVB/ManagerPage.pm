package SVB::ManagerPage;

# The manager's page in a browser, as somebody sees it who keeps it open.
#
#   my $page = SVB::ManagerPage->open($browser, $httpd, '?sort=users', dark => 1);
#   my $is = $page->look;            # all that stands there, as texts:
#     $is->{title} {verdict} {live} {note} {cards} {tiles} {rows} {events} {question}
#     $is->{cards}[0]                # { key, bad, what, users, itself, todo }
#     $is->{rows}{servoy1}           # { state, why, users, in_flight, errors, buttons, bad }
#     $is->{order}                   # the rows' ids, from the top
#   $page->card($key)                # the card whose key is like that, or undef
#   $page->shows('name', sub { $_->{title} =~ /down/ });    # a test: it comes to that by
#                                    # itself, with $_ what stands there; $is in the end
#   $page->follows('name', sub { $_->{...} }, sub { $_->{...} });    # when that is true of
#                                    # the JSON, the page comes to this: how long it took
#   $page->looks_ok('name');         # no barrier, nothing said, not too wide: wide and
#                                    # narrow, light and dark; each is a screenshot
#   SVB::ManagerPage->delays;        # of all that follows() has seen, sorted
#
# All else is as in SVB::Browser::Page, which it is.

use v5.32;
use warnings;

use SVB::Browser;
use SVB::Wait qw(poll wait_for);
use Test::More ();
use Time::HiRes qw(time);

our @ISA = ('SVB::Browser::Page');

my @delays;

sub open {
    my ($class, $browser, $httpd, $query, %option) = @_;
    my $page = $browser->open($httpd->url . '/servoy-manager' . ($query // ''), %option);
    return bless { %$page, httpd => $httpd }, $class;
}

my $look = <<'END';
(() => {
    if (document.readyState !== 'complete') return null;
    const text = e => e ? e.innerText.replace(/\s+/g, ' ').trim() : '';
    const all = (what, f, where = document) => [...where.querySelectorAll(what)].map(f);
    const part = (where, what) => text(where.querySelector(what));
    const rows = {};
    all('tr.row', r => {
        rows[r.id] = { state: part(r, '.badge'), why: part(r, '.badge + small'),
            host: part(r, 'th'), users: part(r, '[data-l=users]'),
            in_flight: part(r, '[data-l="in flight"]'), errors: part(r, '[data-l^=errors]'),
            buttons: all('.act button, .act a:not(.fold)', text, r), bad: r.matches('.bad') };
    });
    return {
        title: document.title, verdict: part(document, '.verdict'),
        live: part(document, '.live'), note: part(document, '.note'),
        question: part(document, '.question'), fronts: part(document, '.fronts'),
        cards: all('.alert', c => {
            const [users, itself, todo] = all('dd', text, c);
            return { key: c.dataset.key, bad: c.matches('.bad'), what: part(c, 'h2'), users,
                itself, todo };
        }),
        tiles: all('.tiles .card', text), rows, order: all('tr.row', r => r.id),
        events: all('section > .card > .events li', text),
        text: document.body.innerText.replace(/\s+/g, ' '),
    };
})()
END

# A page that is just being left is not looked at.
sub look { my ($self) = @_; return $self->until($look, 15) // die "no page\n" }

sub card {
    my ($self, $key) = @_;
    return _card($self->look, $key);
}

sub _card { my ($is, $key) = @_; return (grep { $_->{key} =~ $key } @{ $is->{cards} })[0] }

sub shows {
    my ($self, $name, $what, $seconds) = @_;
    my $is;
    my $ok = poll(sub { $is = $self->look; local $_ = $is; return $what->() }, $seconds // 10);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($ok, $name)
        or Test::More::diag(Test::More::explain({ %$is, text => substr $is->{text}, 0, 2000 }));
    return $is;
}

sub follows {
    my ($self, $name, $json, $what) = @_;
    wait_for(sub { local $_ = $self->{httpd}->manager->json; return $json->() }, 20, $name);
    my $begun = time;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is = $self->shows($name, $what, 20);
    push @delays, time - $begun;
    Test::More::note(sprintf '%s: shown after %.2f s', $name, $delays[-1]);
    return $is;
}

sub delays { my @sorted = sort { $a <=> $b } @delays; return @sorted }

sub looks_ok {
    my ($self, $name) = @_;
    my $file = $name =~ s/\W+/-/gr;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my (@wide, @found);
    for my $width (1280, 390) {
        $self->size($width);
        for my $dark (0, 1) {
            my $how = join '-', $width, $dark ? 'dark' : 'light';
            $self->dark($dark);
            push @wide, $how if $self->scrolls_sideways;
            push @found, map { "$how: $_" } $self->barriers;
            $self->screenshot("$file-$how");
        }
    }
    $self->size(1280);
    $self->dark(0);
    Test::More::is_deeply(\@wide, [], "$name: it is not too wide");
    Test::More::is_deeply(\@found, [], "$name: nothing keeps anybody out")
        or Test::More::diag(map { "$_\n" } @found);
    return $self->clean_ok($name);
}

1;
