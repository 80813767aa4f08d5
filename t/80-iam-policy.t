#!/usr/bin/env perl
# conf/iam-policy.json: what the server really asks of AWS is allowed by it, and nothing else is. And
# conf/dynamodb-*.json make the table that the directives' manual describes.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Chatbot::Server;

# The IAM action of each operation, and the resource it is on (Service Authorization Reference).
my %ACTION = (
    InvokeAgent   => [ 'bedrock:InvokeAgent',      'agent' ],
    GetItem       => [ 'dynamodb:GetItem',         'table' ],
    PutItem       => [ 'dynamodb:PutItem',         'table' ],
    UpdateItem    => [ 'dynamodb:UpdateItem',      'table' ],
    DeleteItem    => [ 'dynamodb:DeleteItem',      'table' ],
    PutMetricData => [ 'cloudwatch:PutMetricData', 'all' ],
);

# Those of the placeholders' values below.
my %RESOURCE = (
    agent => 'arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT12345/TSTALIASID',
    table => 'arn:aws:dynamodb:us-east-1:123456789012:table/chat_sessions',
    all   => '*',
);
my %VALUE = (REGION => 'us-east-1', ACCOUNT_ID => '123456789012', AGENT_ID => 'AGENT12345', AGENT_ALIAS_ID => 'TSTALIASID');

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

sub list { my ($value) = @_; return ref $value eq 'ARRAY' ? @$value : ($value) }

# "action on resource" => 1 of every statement.
sub allowed_by {
    my ($policy) = @_;
    my %allowed;
    for my $statement (@{ $policy->{Statement} }) {
        for my $action (list($statement->{Action})) {
            $allowed{"$action on $_"}++ for list($statement->{Resource});
        }
    }
    return \%allowed;
}

my $text = slurp('conf/iam-policy.json');
$text =~ s/\b(AGENT_ALIAS_ID|AGENT_ID|ACCOUNT_ID|REGION)\b/$VALUE{$1}/g;
my $policy  = JSON::PP->new->decode($text);
my $allowed = allowed_by($policy);

subtest 'the policy' => sub {
    is($policy->{Version}, '2012-10-17', 'its version');
    my %names;
    for my $statement (@{ $policy->{Statement} }) {
        like($statement->{Sid}, qr/^[0-9A-Za-z]+$/, "$statement->{Sid}: a name that IAM takes");
        is($names{ $statement->{Sid} }++, 0, 'used once');
        is($statement->{Effect}, 'Allow', 'allows');
        unlike($_, qr/\*/, "$_: one action") for list($statement->{Action});
        ok($statement->{Condition} || $_ ne '*', "$_: one resource, or a condition") for list($statement->{Resource});
    }
    my ($metrics) = grep { $_->{Sid} eq 'Metrics' } @{ $policy->{Statement} };
    my ($default) = slurp('docs/directives.md') =~ /^\| \*\*Default:\*\* \| `ChatbotMetricsNamespace ([^`]+)`/m;
    is($metrics->{Condition}{StringEquals}{'cloudwatch:namespace'}, $default, 'metrics go into the default namespace alone');
};

subtest 'what is asked of AWS' => sub {
    my $emulator = Chatbot::Emulator->shared;
    my $definition = JSON::PP->new->decode(slurp('conf/dynamodb-table.json'));
    my $ttl        = JSON::PP->new->decode(slurp('conf/dynamodb-ttl.json'));
    is($ttl->{TableName}, $definition->{TableName}, 'both files name one table');
    is_deeply($ttl->{TimeToLiveSpecification}, { Enabled => JSON::PP::true, AttributeName => 'ttl' }, 'time to live is by ttl');
    is_deeply([ map { @$_{qw(AttributeName KeyType)} } @{ $definition->{KeySchema} } ], [qw(session_id HASH)], 'the key');
    $emulator->create_table($definition->{TableName}, $definition->{KeySchema}[0]{AttributeName},
        ttl => $ttl->{TimeToLiveSpecification}{AttributeName});

    my $server = Chatbot::Server->start(emulator => $emulator, quiet => 0, chatbot => <<"CONF");
ChatbotSessionTable $definition->{TableName}
ChatbotRateLimitShared dynamodb:$definition->{TableName}
ChatbotMetrics cloudwatch
CONF
    is($server->chat({ message => 'Hello', session_id => 's-1' })->{status}, 200, 'a chat');
    is($server->chat({ message => 'Hello again', session_id => 's-1' })->{status}, 200, 'another of its session');
    is($server->chat({ message => '{{error validation}}', session_id => 's-2' })->{status}, 502, 'one that fails');
    is($server->request('GET', '/sessions/s-1')->{status}, 200, 'the session is shown');
    like($server->request('DELETE', '/sessions/s-1')->{status}, qr/^20/, 'and deleted');
    is($server->request('GET', '/sessions/s-1')->{status}, 404, 'it is gone');
    is_deeply([ grep { $_->{session_id}{S} =~ /^s-/ } $emulator->items($definition->{TableName}) ], [], 'so is its item');
    $server->stop_ok;

    my %called = map { $_->{operation} => 1 } $emulator->calls;
    my %needed;
    for my $operation (sort keys %called) {
        my $action = $ACTION{$operation};
        ok($action, "$operation: its action is known") or next;
        my $need = "$action->[0] on $RESOURCE{ $action->[1] }";
        $needed{$need} = 1;
        ok($allowed->{$need}, "$operation: allowed");
    }
    is_deeply([ sort keys %$allowed ], [ sort keys %needed ], 'nothing else is');
};

done_testing();
