# Many HTTP/1.1 clients in one loop, each with its requests one after the other. What came is kept as it is
# and read at the end of each request: $request then has
#   began, ended        times; port, reused (requests before it on the connection)
#   end                 answer | left | cut (the connection ended first) | late (nothing ended it)
#   got                 how many bytes came; extra: bytes behind the answer, that nobody asked for
#   status, header      of the answer, as far as it came; text, error, done, unsaved, tokens, ...: see read_answer()
package Chatbot::HistoryClients;

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use IO::Socket::INET;
use Socket qw(INADDR_LOOPBACK SOCK_STREAM SO_LINGER SOL_SOCKET pack_sockaddr_in unpack_sockaddr_in);
use Time::HiRes qw(time);
use Chatbot::HistoryAnswer;

# port; count of clients; next: gives requests, undef when there are no more; ended: is told of each that has
# ended; tick: is called about ten times a second; patience: seconds for one request.
sub new {
    my ($class, %option) = @_;
    return bless { patience => 60, %option, connections => {}, idle => $option{count} }, $class;
}

sub _connect {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp', Type => SOCK_STREAM) or die "a socket: $!";
    $socket->connect(pack_sockaddr_in($self->{port}, INADDR_LOOPBACK)) or die "connecting to port $self->{port}: $!";
    $socket->blocking(0);
    my ($port) = unpack_sockaddr_in(getsockname($socket));
    return { socket => $socket, port => $port, requests => 0, in => '' };
}

sub _close {
    my ($self, $connection, $how) = @_;
    $connection->{socket}->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) if ($how // '') eq 'reset';
    delete $self->{connections}{ fileno $connection->{socket} };
    close($connection->{socket});
    return;
}

# What is sent at once: all of it, or as much as a client that leaves early has sent by then.
sub _first_bytes {
    my ($request) = @_;
    my $phase = ($request->{leave} // {})->{phase} // '';
    my $head  = $request->{head};
    return substr($head, 0, 1 + int rand(length($head) - 1)) if $phase eq 'head';
    return $head . substr($request->{body}, 0, int(length($request->{body}) / 2)) if $phase eq 'body';
    return $head . $request->{body};
}

sub _begin {
    my ($self, $connection) = @_;
    my $request = $self->{next}->() or return 0;
    my $now = time();
    @$request{qw(began port reused)} = ($now, $connection->{port}, $connection->{requests}++);
    @$connection{qw(request deadline)} = ($request, $now + $self->{patience});
    my $leave = $request->{leave};
    $connection->{leave_at} = $leave && $leave->{phase} ne 'answer' ? $now + $leave->{after} : undef;
    local $SIG{PIPE} = 'IGNORE';
    my $bytes = _first_bytes($request);
    my $sent  = syswrite($connection->{socket}, $bytes) // 0;
    die 'a request does not fit into its socket' if $sent > 0 && $sent < length $bytes;
    shutdown($connection->{socket}, 1) if $request->{half};
    return 1;    # what was not sent at all shows as an end of the connection
}

sub _end {
    my ($self, $connection, $end) = @_;
    my $request = delete $connection->{request};
    @$request{qw(end ended)} = ($end, time());
    Chatbot::HistoryAnswer::read_answer($request, \$connection->{in});
    my $stays = $end eq 'answer' && !$request->{half} && !$request->{close} && !$request->{closes} && !$request->{extra};
    $connection->{in} = '';
    delete @$connection{qw(head_end chunk_at)};
    $self->_close($connection, $end eq 'left' ? $request->{leave}{how} : '') if !$stays;
    $self->{ended}->($request);
    return if $stays && $self->_begin($connection);
    $self->_close($connection) if $stays;
    $self->{idle}++;
    return;
}

# 1 when all of an answer is there.
sub _is_whole {
    my ($connection) = @_;
    my $in = \$connection->{in};
    if (!defined $connection->{head_end}) {
        my $at = index($$in, "\r\n\r\n");
        return 0 if $at < 0;
        if ($$in =~ /\AHTTP\/1\.1 1\d\d/) {
            substr($$in, 0, $at + 4, '');
            return _is_whole($connection);
        }
        my $head = substr($$in, 0, $at);
        $connection->{length} = $head =~ /^Content-Length: *(\d+)/mi ? $1 : undef;
        @$connection{qw(head_end chunk_at)} = ($at + 4, $at + 4);
    }
    my $at = \$connection->{chunk_at};
    if (defined $connection->{length}) {
        $$at = $connection->{head_end} + $connection->{length};
        return length $$in >= $$at;
    }
    while (1) {
        my $line = index($$in, "\r\n", $$at);
        return 0 if $line < 0;
        my $size = hex substr($$in, $$at, $line - $$at);
        return 0 if length $$in < $line + 2 + $size + 2;
        $$at = $line + 2 + $size + 2;
        return 1 if $size == 0;
    }
}

sub _take {
    my ($self, $connection) = @_;
    my $request = $connection->{request};
    my $n = sysread($connection->{socket}, $connection->{in}, 65536, length $connection->{in});
    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    return $self->_end($connection, 'cut') if !$n;
    my $leave = $request->{leave};
    if (_is_whole($connection)) {
        $request->{extra} = length($connection->{in}) - $connection->{chunk_at};
        return $self->_end($connection, 'answer');
    }
    return $self->_end($connection, 'left')
        if $leave && $leave->{phase} eq 'answer' && length $connection->{in} >= $leave->{bytes};
    return;
}

sub _look_at_clock {
    my ($self) = @_;
    my $now = time();
    for my $connection (values %{ $self->{connections} }) {
        next if !$connection->{request};
        $self->_end($connection, 'left') if defined $connection->{leave_at} && $now > $connection->{leave_at};
        $self->_end($connection, 'late') if $connection->{request} && $now > $connection->{deadline};
    }
    return $now;
}

sub _fill {
    my ($self) = @_;
    while ($self->{idle} > 0) {
        my $connection = $self->_connect;
        $self->{connections}{ fileno $connection->{socket} } = $connection;
        if (!$self->_begin($connection)) {
            $self->_close($connection);
            return;
        }
        $self->{idle}--;
    }
    return;
}

# All requests, to the end of the last one.
sub run {
    my ($self) = @_;
    my $next_tick = 0;
    $self->_fill;
    while (%{ $self->{connections} }) {
        my $wanted = '';
        vec($wanted, $_, 1) = 1 for keys %{ $self->{connections} };
        my $found = select(my $ready = $wanted, undef, undef, 0.01);
        for my $fd ($found > 0 ? grep { vec($ready, $_, 1) } keys %{ $self->{connections} } : ()) {
            my $connection = $self->{connections}{$fd};
            $self->_take($connection) if $connection;
        }
        my $now = $self->_look_at_clock;
        $self->_fill;
        if ($now >= $next_tick) {
            $self->{tick}->($now);
            $next_tick = $now + 0.1;
        }
    }
    return;
}

# The requests now under way on connections from these ports.
sub requests_at {
    my ($self, $ports) = @_;
    return map { $_->{request} } grep { $_->{request} && $ports->{ $_->{port} } } values %{ $self->{connections} };
}

1;
