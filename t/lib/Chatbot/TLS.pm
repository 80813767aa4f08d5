# TLS in front of the AWS stand-in: an httpd with mod_ssl that forwards to it over kept connections. It
# has three ports, one a certificate, all signed by a private CA of its own:
#   good        for localhost, 127.0.0.1 and ::1
#   wrong_name  for wrong.example
#   expired     for localhost and 127.0.0.1, until 2020
package Chatbot::TLS;

use strict;
use warnings;
use parent 'Chatbot::Httpd';
use Carp qw(croak);
use Chatbot::Emulator;
use File::Path qw(make_path);

my $LOCAL = 'DNS:localhost,IP:127.0.0.1,IP:::1';
my %CERTIFICATES = (
    good       => { names => $LOCAL },
    wrong_name => { names => 'DNS:wrong.example' },
    expired    => { names => $LOCAL, dates => '-startdate 20200101000000Z -enddate 20200102000000Z' },
);
my @KINDS = qw(good wrong_name expired);

sub _openssl {
    my ($arguments) = @_;
    my $text = `openssl $arguments 2>&1`;
    croak "openssl $arguments: $text" if $? != 0;
    return;
}

# A private CA in a folder: ca.pem, and certificates by it.
sub make_ca {
    my ($dir) = @_;
    make_path($dir);
    Chatbot::Httpd::_write("$dir/ca.conf", <<"CONF");
[ca]
default_ca = private
[private]
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = any
CONF
    Chatbot::Httpd::_write("$dir/index", '');
    Chatbot::Httpd::_write("$dir/serial", "01\n");
    _openssl("req -x509 -config $dir/ca.conf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
            . "-subj '/CN=A private CA' -addext basicConstraints=critical,CA:TRUE "
            . "-addext keyUsage=critical,keyCertSign -keyout $dir/ca.key -out $dir/ca.pem");
    return;
}

# KIND.pem and KIND.key in the same folder. `dates` are arguments of openssl-ca.
sub make_certificate {
    my ($dir, $kind, %option) = @_;
    _openssl("req -new -config $dir/ca.conf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$kind "
            . "-addext subjectAltName=$option{names} -addext extendedKeyUsage=serverAuth "
            . "-keyout $dir/$kind.key -out $dir/$kind.csr");
    _openssl("ca -batch -notext -config $dir/ca.conf " . ($option{dates} // '') . " -in $dir/$kind.csr -out $dir/$kind.pem");
    return;
}

# What was signed is what the stand-in must see: host, path and headers stay as they came.
sub _front {
    my ($self, $kind, $port, $to) = @_;
    my $dir = $self->{dir};
    return <<"CONF";
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    SSLEngine On
    SSLCertificateFile $dir/tls/$kind.pem
    SSLCertificateKeyFile $dir/tls/$kind.key
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    ProxyAddHeaders Off
    ProxyPass "/" "http://127.0.0.1:$to/" nocanon flushpackets=on
    CustomLog $dir/tls_log "$kind %>s %{SSL_PROTOCOL}x %{SSL_SESSION_RESUMED}x %{SSL_TLS_SNI}x %k"
</VirtualHost>
CONF
}

# Beside the options of Chatbot::Httpd: emulator (an object; the shared one unless given).
sub prepare {
    my ($class, %option) = @_;
    my $emulator = delete $option{emulator} // Chatbot::Emulator->shared;
    my $more = $option{config} // '';
    my $self = $class->SUPER::prepare(
        %option,
        ports   => scalar @KINDS,
        modules => [qw(ssl socache_shmcb proxy proxy_http), @{ $option{modules} || [] }],
        config  => sub {
            my ($self) = @_;
            make_ca("$self->{dir}/tls");
            make_certificate("$self->{dir}/tls", $_, %{ $CERTIFICATES{$_} }) for @KINDS;
            my @fronts = map { $self->_front($KINDS[$_], $self->{ports}[$_], $emulator->aws_port) } 0 .. $#KINDS;
            return join '', "SSLSessionCache shmcb:$self->{dir}/tls_sessions\n", @fronts, $more;
        },
    );
    $self->{emulator} = $emulator;
    return $self;
}

sub emulator { return $_[0]{emulator} }
sub ca_file  { return "$_[0]{dir}/tls/ca.pem" }

sub tls_port {
    my ($self, $kind) = @_;
    my ($place) = grep { $KINDS[$_] eq ($kind // 'good') } 0 .. $#KINDS;
    return $self->{ports}[$place];
}

# `host`: 127.0.0.1 unless given.
sub tls_url {
    my ($self, $kind, $host) = @_;
    return sprintf 'https://%s:%d', $host // '127.0.0.1', $self->tls_port($kind);
}

# What arrived, oldest first, once it is at least so many: { kind, status, protocol, session (Initial or Resumed), sni, before: how
# many requests came on the connection before it }.
sub requests {
    my ($self, $least) = @_;
    my $read = sub { return split /\n/, Chatbot::Httpd::_slurp("$self->{dir}/tls_log") };
    Chatbot::Httpd::wait_for(5, sub { my @lines = $read->(); @lines >= ($least // 0) });
    my @names = qw(kind status protocol session sni before);
    return map { my %of; @of{@names} = split ' '; \%of } $read->();
}

1;
