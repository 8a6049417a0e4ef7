package SVB::Curl;

# Requests by curl, for what SVB::Client does not speak: TLS and HTTP/2.
#
#   my $r = SVB::Curl->get($url, '--http2-prior-knowledge', '-H', 'Cookie: a=b');
#
# Certificates are not checked; names resolve as they do for curl. Returns an
# SVB::Response with the last answer, status 0 and ->error where there was none.

use v5.32;
use warnings;

use SVB::Proc;
use SVB::Response;
use SVB::Temp;

my $dir;

sub get {
    my ($class, $url, @more) = @_;
    $dir //= SVB::Temp->dir('curl');
    unlink glob "$dir/*";
    my $proc = SVB::Proc->spawn(name => 'curl', out => "$dir/error", cmd => [
        'curl', '--silent', '--show-error', '--insecure', '--noproxy', '*', '--max-time', 30,
        '--path-as-is', '--globoff', '--dump-header', "$dir/head", '--output', "$dir/body", @more,
        $url ]);
    my $status = $proc->wait(40) // $proc->kill;
    my ($head) = reverse grep { length } split /\r?\n\r?\n/, SVB::Temp->read_file("$dir/head");
    my $response = defined $head ? SVB::Response->parse("$head\r\n") : SVB::Response->new;
    $response->{body} = SVB::Temp->read_file("$dir/body");
    $response->{error} ||= SVB::Temp->read_file("$dir/error") || "curl ended with $status"
        if $status;
    return $response;
}

1;
