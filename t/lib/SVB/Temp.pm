package SVB::Temp;

# Temporary folders, gone when the program ends (unless SVB_KEEP=1).
#
#   my $dir = SVB::Temp->dir('node');      # readable by httpd's children too

use v5.32;
use warnings;

use File::Path qw(remove_tree);
use File::Temp ();

my $owner = $$;
my $root;
my %count;

# The folder that holds all of this program's.
sub root {
    if (!$root) {
        $root = File::Temp->newdir('svb-XXXXXX', TMPDIR => 1, CLEANUP => 0)->dirname;
        chmod 0755, $root;
    }
    return $root;
}

sub dir {
    my ($class, $name) = @_;
    my $dir = $class->root . "/$name" . ($count{$name}++ || '');
    mkdir $dir, 0755 or die "mkdir $dir: $!\n";
    return $dir;
}

sub write_file {
    my ($class, $path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
    return $path;
}

# A file's text; '' where there is none.
sub read_file {
    my ($class, $path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return scalar(<$in>) // '';
}

END {
    if ($root && $$ == $owner) {
        local ($?, $!, $@);
        if ($ENV{SVB_KEEP}) {
            print STDERR "# kept: $root\n";
        }
        else {
            remove_tree($root, { safe => 0, error => \my $ignored });
        }
    }
}

1;
