# The AWS stand-in in an httpd of its own.
package Chatbot::Emulator;

use strict;
use warnings;
use parent 'Chatbot::Httpd';
use Chatbot::Client;
use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

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
            return join "\n", qq(LoadModule aws_emulator_module "$Chatbot::Httpd::BUILD/mod_aws_emulator.so"),
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

# The same from its container endpoint, or as from an instance's metadata service.
sub container_credentials {
    my ($self, $role) = @_;
    return (AWS_CONTAINER_CREDENTIALS_FULL_URI => $self->aws_url . '/v2/credentials/' . ($role // 'emulator-role'));
}

sub imds_credentials {
    my ($self) = @_;
    return (AWS_EC2_METADATA_SERVICE_ENDPOINT => $self->aws_url);
}

sub aws_url { return "http://127.0.0.1:$_[0]{ports}[0]" }

# A token for AssumeRoleWithWebIdentity, good for so many seconds.
sub web_identity_token {
    my ($class, $seconds) = @_;
    my %claims = (iss => 'https://oidc.example', aud => 'sts.amazonaws.com',
        sub => 'system:serviceaccount:web:chatbot', exp => time() + ($seconds // 3600));
    return join '.', map { encode_base64url($_) } '{"alg":"none"}', JSON::PP->new->canonical->encode(\%claims), 'sign';
}

# One request under /_emulator/; what its JSON says.
sub control {
    my ($self, $method, $path, $body) = @_;
    my $client = Chatbot::Client->new(port => $self->aws_port);
    my $answer = $client->request($method, "/_emulator/$path", headers => { Connection => 'close' }, body => $body);
    croak "$method $path: $answer->{status} $answer->{body}" if ($answer->{status} // 0) !~ /^2/;
    return $answer->{json};
}

# Sets switches, or fault rules (hash references), of docs/emulator.md.
sub set    { my ($self, %switches) = @_; return $self->control('PUT', 'switches', \%switches) }
sub faults { my ($self, @rules) = @_; return $self->control('PUT', 'faults', \@rules) }

# Forgets calls, counters, conversations, fault rules; switches are at their defaults.
sub reset_state { my ($self) = @_; return $self->control('DELETE', 'state') }

# The last calls, oldest first, of one operation or of all.
sub calls {
    my ($self, $operation) = @_;
    my @calls = @{ $self->control('GET', 'requests?limit=20000')->{requests} };
    return grep { !defined $operation || $_->{operation} eq $operation } @calls;
}

# How many sets of credentials a source (container, imds, sts) has given out.
sub issued { my ($self, $source) = @_; return $self->state->{credentials}{issued}{$source} }

# The counters of GET /_emulator/state.
sub state {
    my ($self) = @_;
    return $self->control('GET', 'state');
}

# One number of an operation: calls, in_progress, answered, cancelled, ...; 0 before its first call.
sub count {
    my ($self, $what, $operation) = @_;
    my $operations = $self->state->{operations};
    return $operations->{ $operation // 'InvokeAgent' }{$what} // 0;
}

# ---- DynamoDB ----

# A table made anew: its key's name, further sort, ttl and items (in DynamoDB's JSON).
sub create_table {
    my ($self, $name, $key, %more) = @_;
    return $self->control('PUT', "tables/$name", { key => $key, %more });
}

# Puts an item there, past any check but that of the key's type.
sub put_item { my ($self, $table, $item) = @_; return $self->control('POST', "tables/$table", $item) }

# The items of a table, in DynamoDB's JSON.
sub items { my ($self, $table) = @_; return @{ $self->control('GET', "tables/$table")->{items} } }

# The item of that key value (a string), or undef.
sub item {
    my ($self, $table, $value) = @_;
    my $shown = $self->control('GET', "tables/$table");
    my ($found) = grep { $_->{ $shown->{key} }{S} eq $value } @{ $shown->{items} };
    return $found;
}

# ---- CloudWatch ----

# What came in: { calls, compressed, data, metrics }.
sub metrics { my ($self) = @_; return $self->control('GET', 'metrics') }

# The sums of a metric: { count, sum, minimum, maximum, data, unit, ... }; undef when nothing came.
# Further pairs are all of its dimensions.
sub metric {
    my ($self, $name, %dimensions) = @_;
    my $json   = JSON::PP->new->canonical;
    my $wanted = $json->encode(\%dimensions);
    my ($found) = grep { $_->{name} eq $name && $json->encode($_->{dimensions}) eq $wanted }
        @{ $self->metrics->{metrics} };
    return $found;
}

END { undef $shared }

1;
