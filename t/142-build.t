# What building asks for: an httpd that is new enough, and says so; and that warnings of
# compilers that are not born yet do no harm.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use Test::More;

use SVB::Proc;
use SVB::Temp;

my $tree = abs_path("$FindBin::Bin/..");
my $apxs = $ENV{APXS} // 'apxs';
chomp(my $include = qx("$apxs" -q INCLUDEDIR));

# Exit code and output of make, in the tree.
sub build {
    my (@args) = @_;
    my $out = SVB::Temp->dir('run') . '/out';
    my $proc = SVB::Proc->spawn(name => 'make', out => $out, cwd => $tree,
        cmd => [ 'make', '-f', 'Makefile.apxs', "APXS=$apxs", @args ],
        env => { map { $_ => undef } qw(MAKEFLAGS MFLAGS MAKELEVEL B SAN OPT CC) });
    my $status = $proc->wait(60) // $proc->kill;
    return ($status >> 8 || $status, SVB::Temp->read_file($out));
}

# One of the files, with httpd's headers as a version 2.4.x has them that is otherwise
# like the one here.
sub with_httpd {
    my ($patchlevel) = @_;
    my $dir = SVB::Temp->dir('headers');
    system('cp', '-r', $include, "$dir/include") == 0 or die 'cp failed';
    my $release = SVB::Temp->read_file("$dir/include/ap_release.h");
    $release =~ s/(PATCHLEVEL_NUMBER\s+)\d+/$1$patchlevel/ or die 'no PATCHLEVEL_NUMBER';
    SVB::Temp->write_file("$dir/include/ap_release.h", $release);
    return build("HTTPD_CFLAGS=-isystem $dir/include", "B=$dir", "$dir/src/mod_watchdog.o");
}

my ($code, $output) = with_httpd(56);
isnt $code, 0, 'httpd 2.4.56: no';
like $output, qr/error: .*needs Apache httpd 2\.4\.57 or later/, 'it says why';
($code, $output) = with_httpd(57);
is $code, 0, 'httpd 2.4.57' or diag $output;

my $dir = SVB::Temp->dir('warned');
SVB::Temp->write_file("$dir/warning.h", "#warning of a kind that is new\n");
($code, $output) = build("B=$dir", "OPT=-O2 -include $dir/warning.h", "$dir/src/choice/score.o");
like $output, qr/of a kind that is new/, 'a compiler warns';
is $code, 0, '... and goes on' or diag $output;

done_testing;
