package Moto;

# moto's server, which is others' idea of AWS's data services, for the scripts that put the module in
# front of it; without moto the whole script is a named skip.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin, "$Bin/../lib";
use Carp qw(croak);
use Chatbot::Httpd;
use EmulatorSdk;
use File::Spec;
use IO::Socket::INET;

# Its own command serves each connection in a thread, and the threads look at a condition and write
# without a lock between: what is to be exact wants one request after the other.
our $IN_TURN = <<'PYTHON';
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
moto, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()
def in_turn(environ, start_response):
    with lock:
        return [b"".join(moto(environ, start_response))]
run_simple("127.0.0.1", int(sys.argv[1]), in_turn, threaded=True)
PYTHON

my $running;

# The script's subject, for a skip; with in_turn it serves one request after the other.
sub start {
    my ($class, $what, %option) = @_;
    my $python = find_python('import moto.server, flask, boto3')
        // skip_all($what, 'moto is not installed, or without flask or boto3');
    my ($port) = Chatbot::Httpd::free_ports(1);
    my $self = bless { python => $python, url => "http://127.0.0.1:$port", owner => $$ }, $class;
    $self->{pid} = fork() // croak "fork: $!";
    if ($self->{pid} == 0) {
        open STDOUT, '>', File::Spec->devnull;
        open STDERR, '>', File::Spec->devnull;
        exec $python, $option{in_turn} ? ('-c', $IN_TURN, $port) : ('-m', 'moto.server', '-H', '127.0.0.1', '-p', $port)
            or exit 127;
    }
    $running = $self;
    my $answers = sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") || waitpid($self->{pid}, 1) };
    Chatbot::Httpd::wait_for(60, $answers) && kill(0, $self->{pid}) or croak 'moto does not start';
    my %keys = Chatbot::Emulator->credentials;
    @ENV{ keys %keys } = values %keys;
    return $self;
}

sub python { return $_[0]{python} }
sub url    { return $_[0]{url} }

END {
    if ($running && $running->{owner} == $$) {
        local $?;
        kill TERM => $running->{pid};
        waitpid $running->{pid}, 0;
    }
}

1;
