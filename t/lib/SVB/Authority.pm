package SVB::Authority;

# A certificate authority of a test's own, that nobody trusts unless told to.
#
#   my $ca = SVB::Authority->new;
#   my ($cert, $key) = $ca->issue($dir);        # cert.pem and key.pem in that folder
#   $ca->file;                                  # its own certificate, for curl --cacert
#   my ($store, $password) = $ca->truststore;   # PKCS12 with that, for Java
#   SVB::Authority->make_store($file, $text);   # a trust store of any certificate's text
#
# What it issues is for servers named localhost or 127.0.0.1: PEM, elliptic curve,
# as httpd and Tomcat read it.

use v5.32;
use warnings;

use SVB::Proc;
use SVB::Temp;

my $password = 'changeit';      # Java's own default, also IcedTea-Web's
my $number = 0;

my @new_key = qw(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2);

my $extensions = <<'END';
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

sub new {
    my ($class) = @_;
    my $self = bless { dir => SVB::Temp->dir('authority') }, $class;
    my $name = 'Test authority ' . ++$number;
    SVB::Temp->write_file("$self->{dir}/openssl.cnf", $extensions);
    $self->_request($self->{dir}, $name, 'authority');
    return $self;
}

sub file { "$_[0]{dir}/cert.pem" }

sub issue {
    my ($self, $dir) = @_;
    $self->_request($dir, 'localhost', 'server', '-CA', $self->file, '-CAkey',
        "$self->{dir}/key.pem");
    return ("$dir/cert.pem", "$dir/key.pem");
}

# A new key and its certificate, signed by itself unless a CA is given.
sub _request {
    my ($self, $dir, $name, $kind, @by) = @_;
    $self->run(qw(openssl req -x509), @new_key, '-config', "$self->{dir}/openssl.cnf",
        '-extensions', $kind, '-subj', "/CN=$name", @by, '-keyout', "$dir/key.pem", '-out',
        "$dir/cert.pem");
    return;
}

sub truststore {
    my ($self) = @_;
    $self->{store} //= $self->make_store("$self->{dir}/trust.p12",
        SVB::Temp->read_file($self->file));
    return ($self->{store}, $password);
}

sub make_store {
    my ($class, $file, $text) = @_;
    my $pem = SVB::Temp->write_file("$file.pem", $text);
    $class->run(qw(keytool -J-XX:TieredStopAtLevel=1 -importcert -noprompt -storetype PKCS12),
        '-alias', 'trusted', '-storepass', $password, '-keystore', $file, '-file', $pem);
    return $file;
}

# What a tool that has to end well says.
sub run {
    my ($class, @command) = @_;
    state $out = SVB::Temp->dir('tools') . '/output';
    unlink $out;
    my $status = SVB::Proc->spawn(name => $command[0], out => $out, cmd => \@command)->wait(60);
    my $said = SVB::Temp->read_file($out);
    defined $status && !$status or die "$command[0]: $said";
    return $said;
}

1;
