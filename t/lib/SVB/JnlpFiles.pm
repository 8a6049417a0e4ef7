package SVB::JnlpFiles;

# JNLP files for nodes to serve, and what is to become of them.
#
#   SVB::JnlpFiles->write($dir);    # one by each name, all of them old
#   $text{plain}                    # those that are to be rewritten, marked, see below
#   $passing{html}                  # those that pass as they are: [ text, the reason ]
#   untouched($text{plain})         # one as the node has it
#   rewritten($text{plain}, $codebase, $href)   # and as it is to come to the client
#   gzip_good, gzip_unclosed, gzip_over_1m, gzip_broken and gzip_bomb are compressed;
#   $noise                          # what gzip_over_1m holds

use v5.32;
use warnings;

use Encode qw(encode);
use Exporter qw(import);
use IO::Compress::Gzip qw(gzip);
use SVB::Temp;

our @EXPORT = qw(%text %passing $noise untouched rewritten);

my $evil = 'evil.example.net';

# Texts in which {C:x} and {H:x} are the values of codebase and href, {+C} and {+H}
# the places of attributes that are not there.
my $inside =
    "\n  <information>\n    <title>caf\xc3\xa9 &amp; co</title>\n  </information>\n</jnlp>\n";
my $root = '<jnlp spec="1.0+" codebase="{C:http://127.0.0.1:8080/}" href="{H:crm.jnlp}">';
my $utf16 =
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n$root"
    . "<information>\x{e9}\x{4e2d}\x{1f600}</information></jnlp>";
our %text = (
    plain => qq{<?xml version="1.0" encoding="UTF-8"?>\n$root$inside},
    localhost =>
    qq{<jnlp codebase="{C:http://localhost/}"}
        . qq{ href="{H:http://LOCALHOST:81/files/crm.jnlp?a}">$inside},
    relative => qq{<jnlp codebase="{C:.}" href="{H:/other.jnlp}">$inside},
    single => qq{<jnlp codebase='{C:http://127.0.0.1/}' spec='1.0+'  href = '{H:a"b}' >$inside},
    swapped =>
    qq{<jnlp\r\n\thref="{H:crm.jnlp}"\r\n\tspec="1.0+" codebase\r\n=\r\n}
        . qq{'{C:http://127.0.0.1}'\r\n>$inside},
    bare => qq{<jnlp{+C}{+H}>$inside},
    empty_root => qq{<jnlp{+C}{+H}/>},
    no_codebase =>
    qq{<jnlp{+C} spec="1.0+" href="{H:crm.jnlp}" xcodebase="a" codebasex="b">$inside},
    no_href => qq{<jnlp{+H} spec="1.0+" codebase="{C:}">$inside},
    bom => qq{\xef\xbb\xbf$root$inside},
    doctype =>
    qq{<?xml version="1.0"?>\n<!DOCTYPE jnlp SYSTEM "http://$evil/jnlp.dtd" [\n}
        . qq{<!ATTLIST e codebase CDATA "x">\n]>\n}
        . "<!-- <jnlp codebase=\"x\" href='y'> -->\n<?jnlp codebase=\"x\"?>\n"
        . "$root<e/>$inside\n<!-- end -->\n\n",
    nested =>
    "$root\n<jnlp codebase=\"http://$evil/\" href=\"z\"/><![CDATA[<jnlp codebase=\"x\">]]>"
        . '<jar href="lib/a.jar"/><property name="codebase" value=" href=\'\'"/></jnlp>',
    latin1 => qq{<?xml version="1.0" encoding="iso-8859-1"?>$root<a>\xe9\xff</a></jnlp>},
    utf16le => "\xff\xfe" . encode('UTF-16LE', $utf16),
    utf16be => "\xfe\xff" . encode('UTF-16BE', $utf16),
    echo => qq{<jnlp codebase="{C:http://\@HOST\@/}" href="{H:http://\@HOST\@/x.jnlp}">$inside},
    large => padded(1024 * 1024),
    of_2k => padded(2048),
);

# Those that pass as they are, and the reason that the log gives.
our %passing = (
    unclosed => [ qq{<jnlp codebase="http://127.0.0.1/" href="x"><a></jnlp>},
        qr/cannot be parsed: .*line 1/ ],
    cut_short => [ qq{<jnlp codebase="http://127.0.0.1/" href="x">\n<a/>\n},
        qr/cannot be parsed: .*line 3/ ],
    twice => [ qq{<jnlp codebase="a" codebase="b"/>}, qr/cannot be parsed/ ],
    no_utf8 => [ qq{<jnlp codebase="a">\xe9</jnlp>}, qr/cannot be parsed/ ],
    html => [ qq{<html><body codebase="x">error</body></html>},
        qr/root element <html>, not <jnlp>/ ],
    entity => [ qq{<!DOCTYPE jnlp [<!ENTITY e "x">]><jnlp codebase="a" href="&e;"/>},
        qr/declares an entity \(e\)/ ],
    words => [ "Sorry, no such solution.\n", qr/cannot be parsed/ ],
    empty => [ '', qr/is empty/ ],
    encoding => [ qq{<?xml version="1.0" encoding="IBM037"?><jnlp/>},
        qr/an encoding not known here \(IBM037\)/ ],
    codebase => [ qq{<jnlp codebase="http://updates.example.org/" href="x"/>},
        qr/a codebase with a host of its own \("updates\.example\.org"\)/ ],
    href => [ qq{<jnlp codebase="." href="//updates.example.org/x"/>},
        qr/a href with a host of its own \("updates\.example\.org"\)/ ],
    hidden => [ qq{<jnlp codebase="http://127.0.0.1\@updates.example.&#111;rg/"/>},
        qr/own \("updates\.example\.org"\)/ ],
    file => [ qq{<jnlp codebase="file:/opt/x"/>}, qr/a codebase with a host of its own \(""\)/ ],
    over_1m => [ untouched(padded(1024 * 1024 + 1)), qr/is larger than limit= allows/ ],
);

# A JNLP of so many bytes.
sub padded {
    my ($size) = @_;
    my $text = "$root<!-- -->$inside";
    return $text =~ s/(?<=<!--) /' ' x ($size - length(untouched($text)) + 1)/er;
}

# One as the node has it.
sub untouched {
    my ($text) = @_;
    return utf16($text, sub { $_[0] =~ s/\{[CH]:([^}]*)\}|\{\+[CH]\}/$1 \/\/ ''/ger });
}

# And as it is to come to the client.
sub rewritten {
    my ($text, $codebase, $href) = @_;
    my %value = (C => $codebase, H => $href =~ s/&/&amp;/gr =~ s/'/&apos;/gr);
    my %name = (C => 'codebase', H => 'href');
    return utf16($text,
        sub { $_[0]
            =~ s/\{([CH]):[^}]*\}|\{\+([CH])\}/$1 ? $value{$1} : " $name{$2}=\"$value{$2}\""/ger });
}

sub utf16 {
    my ($text, $change) = @_;
    my $encoding = $text =~ /^\xff\xfe/ ? 'UTF-16LE' : $text =~ /^\xfe\xff/ ? 'UTF-16BE'
        : return $change->($text);
    return encode($encoding, $change->(Encode::decode($encoding, $text)));
}

# Too large even when it is compressed; what is not, is so when it is inflated: a bomb.
our $noise = '<jnlp><!--' . join('', map { sprintf '%08x', rand 2**32 } 1 .. 140_000)
    . '--></jnlp>';

sub _packed {
    my ($text) = @_;
    gzip(\$text => \my $packed) or die;
    return $packed;
}

sub _write_packed {
    my ($dir) = @_;
    my %packed = (good => _packed(untouched($text{plain})),
        unclosed => _packed($passing{unclosed}[0]),
        over_1m => _packed($noise), bomb => _packed($passing{over_1m}[0]));
    $packed{broken} = substr $packed{good}, 0, length($packed{good}) / 2;
    SVB::Temp->write_file("$dir/gzip_$_.jnlp", $packed{$_}) for keys %packed;
    return;
}

sub write {
    my ($class, $dir) = @_;
    SVB::Temp->write_file("$dir/$_.jnlp", untouched($text{$_})) for keys %text;
    SVB::Temp->write_file("$dir/$_.jnlp", $passing{$_}[0]) for keys %passing;
    SVB::Temp->write_file("$dir/page.html", untouched($text{plain}));
    _write_packed($dir);
    utime 1_600_000_000, 1_600_000_000, glob "$dir/*";
    return;
}

1;
