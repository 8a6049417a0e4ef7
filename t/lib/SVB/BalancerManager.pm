package SVB::BalancerManager;

# mod_proxy's own page about balancers, at /balancer-manager.
#
#   my $page = $httpd->balancer_manager;
#   $page->set('servoy', $node->url, w_status_N => 1);     # a form about a member
#   $page->set('servoy', undef, b_nwrkr => $url, b_wyes => 1);   # about the balancer
#   $page->text;
#
# set dies where the page does not answer as it should; what it did is not looked at.

use v5.32;
use warnings;

my $path = '/balancer-manager';

sub new {
    my ($class, $httpd) = @_;
    return bless { httpd => $httpd }, $class;
}

sub text { $_[0]{httpd}->browser->get($path)->body }

sub set {
    my ($self, $balancer, $worker, %field) = @_;
    my ($nonce) = $self->text =~ /b=$balancer\b[^"]*nonce=([0-9a-f-]+)/
        or die "no nonce for $balancer";
    my %all = (b => $balancer, nonce => $nonce, $worker ? (w => $worker) : (), %field);
    # it accepts what comes from itself
    my $r = $self->{httpd}->browser->post_form($path, \%all,
        headers => [ 'Referer: ' . $self->{httpd}->url . $path ]);
    return $r->status == 200 || die 'balancer-manager: ' . $r->status . "\n" . $r->body;
}

1;
