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

my @new_key = qw(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes);
my @for_days = qw(-days 2);

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
    my $self = bless { dir => SVB::Temp->dir('authority'), serial => 0 }, $class;
    SVB::Temp->write_file("$self->{dir}/openssl.cnf", $extensions);
    $self->_new_key($self->{dir}, 'Test authority ' . ++$number, 'cert.pem', '-x509', @for_days,
        '-extensions', 'authority');
    return $self;
}

sub file { "$_[0]{dir}/cert.pem" }

# In two steps, since before OpenSSL 3.0 a request cannot be made and signed in one.
sub issue {
    my ($self, $dir) = @_;
    $self->_new_key($dir, 'localhost', 'request.pem', '-new');
    $self->run(qw(openssl x509 -req -sha256), @for_days, '-in', "$dir/request.pem", '-CA',
        $self->file, '-CAkey', "$self->{dir}/key.pem", '-set_serial', ++$self->{serial},
        '-extfile', "$self->{dir}/openssl.cnf", '-extensions', 'server', '-out',
        "$dir/cert.pem");
    unlink "$dir/request.pem";
    return ("$dir/cert.pem", "$dir/key.pem");
}

# A new key, and what is made of it.
sub _new_key {
    my ($self, $dir, $name, $out, @what) = @_;
    $self->run(qw(openssl req), @what, @new_key, '-config', "$self->{dir}/openssl.cnf",
        '-subj', "/CN=$name", '-keyout', "$dir/key.pem", '-out', "$dir/$out");
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
