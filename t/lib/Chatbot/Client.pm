# One HTTP/1.1 connection under full control: half requests, several at once, slow readers.
# An answer is { status, reason, headers => { lower-case name => value }, body, json }.
package Chatbot::Client;

use strict;
use warnings;
use Carp qw(croak);
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(INADDR_LOOPBACK IPPROTO_TCP SOCK_STREAM SO_RCVBUF SOL_SOCKET TCP_NODELAY pack_sockaddr_in);
use Time::HiRes qw(time);

# port; timeout in seconds for any one answer; receive_buffer in bytes.
sub new {
    my ($class, %option) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp', Type => SOCK_STREAM) or croak "a socket: $!";
    $socket->setsockopt(SOL_SOCKET, SO_RCVBUF, $option{receive_buffer}) if $option{receive_buffer};
    $socket->connect(pack_sockaddr_in($option{port}, INADDR_LOOPBACK)) or croak "connecting to port $option{port}: $!";
    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    return bless { socket => $socket, timeout => $option{timeout} || 15, unread => '' }, $class;
}

# The bytes of a request. A body that is a reference is sent as JSON.
sub compose {
    my ($class, $method, $path, %option) = @_;
    my %headers = (Host => '127.0.0.1', %{ $option{headers} || {} });
    my $body = $option{body};
    if (ref $body) {
        $body = JSON::PP->new->utf8->canonical->encode($body);
        $headers{'Content-Type'} //= 'application/json';
    }
    $headers{'Content-Length'} //= length $body if defined $body && !$headers{'Transfer-Encoding'};
    my @lines = map { "$_: $headers{$_}\r\n" } grep { defined $headers{$_} } sort keys %headers;
    return join('', "$method $path HTTP/1.1\r\n", @lines, "\r\n", $body // '');
}

sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ($sent < length $bytes) {
        my $n = syswrite($self->{socket}, $bytes, length($bytes) - $sent, $sent) // return 0;
        $sent += $n;
    }
    return 1;
}

# Reads what is there within the time; '' at the end of the connection, undef when nothing came.
sub read_some {
    my ($self, $seconds) = @_;
    my $ready = '';
    vec($ready, fileno($self->{socket}), 1) = 1;
    return undef if !select($ready, undef, undef, $seconds);
    my $n = sysread($self->{socket}, my $bytes, 65536);
    return defined $n ? $bytes : '';
}

# Appends to what is unread until `pattern` matches it; 0 at the end or when time is up.
sub _gather {
    my ($self, $done, $deadline) = @_;
    until ($done->()) {
        my $left = $deadline - time();
        my $bytes = $left > 0 ? $self->read_some($left) : undef;
        return 0 if !defined $bytes || $bytes eq '';
        $self->{unread} .= $bytes;
    }
    return 1;
}

sub _read_chunks {
    my ($self, $deadline) = @_;
    my $body = '';
    while (1) {
        $self->_gather(sub { $self->{unread} =~ /\r\n/ }, $deadline) or return;
        $self->{unread} =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n// or return;
        my $size = hex $1;
        $self->_gather(sub { length $self->{unread} >= $size + 2 }, $deadline) or return;
        $body .= substr($self->{unread}, 0, $size, '');
        $self->{unread} =~ s/\A\r\n// or return;
        return $body if $size == 0;
    }
}

sub _read_body {
    my ($self, $answer, $method, $deadline) = @_;
    my $length = $answer->{headers}{'content-length'};
    return '' if $method eq 'HEAD' || $answer->{status} == 204 || $answer->{status} == 304;
    return $self->_read_chunks($deadline) if ($answer->{headers}{'transfer-encoding'} // '') =~ /chunked/i;
    if (!defined $length) {
        my $ended = 0;
        while (!$ended && time() < $deadline) {
            my $bytes = $self->read_some($deadline - time());
            $ended = 1 if defined $bytes && $bytes eq '';
            $self->{unread} .= $bytes // '';
        }
        $answer->{until_close} = 1;
        return substr($self->{unread}, 0, length $self->{unread}, '');
    }
    $self->_gather(sub { length $self->{unread} >= $length }, $deadline) or return;
    return substr($self->{unread}, 0, $length, '');
}

# The next answer, or undef when none came whole. `method` is what was asked: HEAD has no body.
sub answer {
    my ($self, $method) = @_;
    my $deadline = time() + $self->{timeout};
    $self->_gather(sub { $self->{unread} =~ /\r\n\r\n/ }, $deadline) or return undef;
    $self->{unread} =~ s/\A(.*?)\r\n\r\n//s;
    my ($first, @lines) = split /\r\n/, $1;
    my ($status, $reason) = $first =~ m{^HTTP/1\.[01] (\d{3}) ?(.*)$} or return undef;
    my %answer = (status => $status, reason => $reason, headers => {});
    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([^:]+):\s*(.*?)\s*$/ or next;
        my $before = $answer{headers}{ lc $name };
        $answer{headers}{ lc $name } = defined $before ? "$before, $value" : $value;
    }
    return $self->answer($method) if $status < 200;
    $answer{body} = $self->_read_body(\%answer, $method // 'GET', $deadline) // return undef;
    $answer{json} = eval { JSON::PP->new->utf8->allow_nonref->decode($answer{body}) };
    return \%answer;
}

# The answer to one request; status 0 when none came.
sub request {
    my ($self, $method, $path, %option) = @_;
    $self->send($self->compose($method, $path, %option));
    return $self->answer($method) // { status => 0, headers => {}, body => '' };
}

# Whether the other side closes within the time, with nothing more to read.
sub closed_within {
    my ($self, $seconds) = @_;
    my $bytes = $self->read_some($seconds);
    return defined $bytes && $bytes eq '' && $self->{unread} eq '';
}

sub half_close { my ($self) = @_; return shutdown($self->{socket}, 1) }
sub close      { my ($self) = @_; return CORE::close($self->{socket}) }

# Closes with a reset instead of a FIN.
sub reset {
    my ($self) = @_;
    $self->{socket}->setsockopt(SOL_SOCKET, Socket::SO_LINGER(), pack('ii', 1, 0));
    return $self->close;
}

1;
