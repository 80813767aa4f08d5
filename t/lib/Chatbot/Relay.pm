# A TCP relay on a loopback port that treats its connections as told, in a process of its own:
#   pass         bytes go to and fro
#   reset        reset behind the first kilobyte of the client's, none of which goes on
#   reset-later  one exchange passes; the first byte of the client's behind it ends in a reset
package Chatbot::Relay;

use strict;
use warnings;
use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SO_LINGER SO_RCVBUF SOL_SOCKET);

# to: a port; connections: what becomes of the first, the second, ...; the last one is for all that follow.
sub start {
    my ($class, %option) = @_;
    # Small, so that not much of a large request leaves the client when nobody reads it.
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, Sockopts => [ [ SOL_SOCKET, SO_RCVBUF, 4096 ] ])
        || croak "no port: $@";
    my $self = bless { port => $listener->sockport, owner => $$ }, $class;
    $self->{pid} = fork() // croak "fork: $!";
    if ($self->{pid} == 0) {
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        $SIG{PIPE} = 'IGNORE';
        _serve(getppid(), $listener, $option{to}, @{ $option{connections} });
        POSIX::_exit(0);
    }
    return $self;
}

my (%peer, %kind, %answered, $select);

sub _close {
    my ($socket) = @_;
    my @both = grep { defined } $socket, $peer{$socket};
    for my $one (@both) {
        delete $_->{$one} for \%peer, \%kind, \%answered;
        $select->remove($one);
        close($one);
    }
    return;
}

sub _reset {
    my ($socket) = @_;
    $socket->setsockopt(SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    return _close($socket);
}

sub _accept {
    my ($listener, $to, $kind) = @_;
    my $client = $listener->accept or return;
    my $server = $kind eq 'reset' ? undef : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to);
    $kind{$client} = $kind;
    $select->add($client);
    if ($server) {
        $select->add($server);
        $kind{$server} = 'server';
        @peer{ $client, $server } = ($server, $client);
    }
    return;
}

sub _take {
    my ($socket) = @_;
    my $kind = $kind{$socket};
    my $n = sysread($socket, my $bytes, $kind eq 'reset' ? 1024 : 65536);
    return _close($socket) if !$n;
    return _reset($socket) if $kind eq 'reset' || ($kind eq 'reset-later' && $answered{$socket});
    my $peer = $peer{$socket} or return _close($socket);
    $answered{$peer} = 1 if $kind eq 'server';
    for (my $sent = 0; $sent < $n;) {
        $sent += syswrite($peer, $bytes, $n - $sent, $sent) // return _close($socket);
    }
    return;
}

# Until the test is gone.
sub _serve {
    my ($parent, $listener, $to, @connections) = @_;
    $select = IO::Select->new($listener);
    while (getppid() == $parent) {
        for my $socket ($select->can_read(1)) {
            if ($socket == $listener) {
                _accept($listener, $to, @connections > 1 ? shift @connections : $connections[0]);
            } elsif ($select->exists($socket)) {
                _take($socket);
            }
        }
    }
    return;
}

sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}" }

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$ || !$self->{pid};
    local $?;
    kill('TERM', $self->{pid});
    waitpid($self->{pid}, 0);
    return;
}

1;
