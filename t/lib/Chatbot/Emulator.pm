# The AWS stand-in in an httpd of its own.
package Chatbot::Emulator;

use strict;
use warnings;
use parent 'Chatbot::Httpd';
use Chatbot::Client;
use JSON::PP ();

our $ACCESS_KEY = 'AKIAEMULATOREXAMPLE0';
our $SECRET_KEY = 'emulator-secret-key-for-local-use-only00';

my $shared;

# The one that the servers of a test use unless told otherwise.
sub shared {
    my ($class) = @_;
    return $shared //= $class->start;
}

sub prepare {
    my ($class, %option) = @_;
    my $more = $option{config} // '';
    return $class->SUPER::prepare(
        %option,
        ports  => 1,
        config => sub {
            my ($self) = @_;
            return join "\n", "LoadModule aws_emulator_module $Chatbot::Httpd::BUILD/mod_aws_emulator.so",
                "EmulatorListen 127.0.0.1:$self->{ports}[0]", "EmulatorAccessKey $ACCESS_KEY $SECRET_KEY", $more;
        },
    );
}

sub _ready {
    my ($self) = @_;
    return $self->SUPER::_ready
        && Chatbot::Httpd::wait_for(20, sub { $self->exited || eval { $self->state } }) && !$self->exited;
}

sub aws_port { return $_[0]{ports}[0] }

# What the environment of an httpd with mod_chatbot needs.
sub credentials {
    return (AWS_ACCESS_KEY_ID => $ACCESS_KEY, AWS_SECRET_ACCESS_KEY => $SECRET_KEY);
}

# The counters of GET /_emulator/state.
sub state {
    my ($self) = @_;
    my $client = Chatbot::Client->new(port => $self->aws_port);
    my $answer = $client->request('GET', '/_emulator/state', headers => { Connection => 'close' });
    return $answer->{json};
}

# One number of an operation: calls, in_progress, answered, cancelled, ...; 0 before its first call.
sub count {
    my ($self, $what, $operation) = @_;
    my $operations = $self->state->{operations};
    return $operations->{ $operation // 'InvokeAgent' }{$what} // 0;
}

END { undef $shared }

1;
