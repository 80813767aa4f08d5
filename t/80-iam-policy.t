#!/usr/bin/env perl
# conf/iam-policy.json: what the server really asks of AWS is allowed by it, and nothing else is. And
# conf/dynamodb-*.json make the table that the directives' manual describes.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Chatbot::Events qw(events_of);
use Chatbot::Server;

my $MODEL = 'anthropic.claude-3-haiku-20240307-v1:0';
my %VALUE = (
    REGION       => 'us-east-1',
    ACCOUNT_ID   => '123456789012',
    AGENT_ID     => 'AGENT12345',
    AGENT_ALIAS_ID => 'TSTALIASID',
    RUNTIME_ID   => 'chat_agent-AbCdEf0123',
    QUALIFIER    => 'PROD',
    MODEL_ID     => $MODEL,
    GUARDRAIL_ID => 'gr1abcdefghi',
    BUCKET       => 'chat-files',
    PREFIX       => 'from/chat',
    LIMIT_TABLE  => 'chat_limits',
);
my $RUNTIME = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/$VALUE{RUNTIME_ID}";
my $TABLES  = 'arn:aws:dynamodb:us-east-1:123456789012:table';

# What a call on a runtime is allowed by: both the runtime and its endpoint.
sub on_runtime { my ($action) = @_; return map { "bedrock-agentcore:$action on $_" } $RUNTIME, "$RUNTIME/runtime-endpoint/PROD" }

sub on_table { my ($call) = @_; return "dynamodb:$call->{operation} on $TABLES/$call->{message}" }

# What each call in the stand-in's journal has to be allowed, "action on resource" (Service Authorization
# Reference).
my %NEEDS = (
    InvokeAgent        => sub { 'bedrock:InvokeAgent on arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT12345/TSTALIASID' },
    Converse           => sub { "bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/$_[0]{session}" },
    ConverseStream     => sub { "bedrock:InvokeModelWithResponseStream on arn:aws:bedrock:us-east-1::foundation-model/$_[0]{session}" },
    InvokeAgentRuntime => sub {
        my $user = $_[0]{headers}{'x-amzn-bedrock-agentcore-runtime-user-id'};
        return (on_runtime('InvokeAgentRuntime'), defined $user ? on_runtime('InvokeAgentRuntimeForUser') : ());
    },
    StopRuntimeSession => sub { on_runtime('StopRuntimeSession') },
    PutObject          => sub { "s3:PutObject on arn:aws:s3:::$_[0]{session}/$_[0]{message}" },
    (map { $_ => \&on_table } qw(GetItem PutItem UpdateItem DeleteItem)),
    PutMetricData      => sub { "cloudwatch:PutMetricData on * in $_[0]{message}" },
    ChatCompletions    => sub { () },    # not of AWS
);

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

sub list { my ($value) = @_; return ref $value eq 'ARRAY' ? @$value : ($value) }

# What the statements allow: "action on resource", and the namespace that a condition asks for.
sub allowed_by {
    my ($policy) = @_;
    my @allowed;
    for my $statement (@{ $policy->{Statement} }) {
        my $namespace = $statement->{Condition}{StringEquals}{'cloudwatch:namespace'};
        for my $action (list($statement->{Action})) {
            push @allowed, map { "$action on $_" . (defined $namespace ? " in $namespace" : '') } list($statement->{Resource});
        }
    }
    return @allowed;
}

# A resource's last "*" stands for anything.
sub allows {
    my ($allowed, $need) = @_;
    my $start = $allowed =~ m{^(.*/)\*\z} ? $1 : undef;
    return $allowed eq $need || (defined $start && length $need > length $start && index($need, $start) == 0);
}

my $text = slurp('conf/iam-policy.json');
my %filled;
$text =~ s{\b([A-Z][A-Z_]+)\b}{$filled{$1} = 1; $VALUE{$1} // ''}ge;
my $policy  = JSON::PP->new->decode($text);
my @allowed = allowed_by($policy);

subtest 'the policy' => sub {
    is_deeply([ sort keys %filled ], [ sort keys %VALUE ], 'its placeholders');
    my ($told) = slurp('docs/directives.md') =~ m{^(`conf/iam-policy\.json`.*?\n)\n}ms;
    is_deeply([ sort $told =~ /`([A-Z_]+)`/g ], [ sort keys %VALUE ], 'are those that the manual names');
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

my $emulator   = Chatbot::Emulator->start(config => "EmulatorBucket $VALUE{BUCKET}");
my $definition = JSON::PP->new->decode(slurp('conf/dynamodb-table.json'));
my $ttl        = JSON::PP->new->decode(slurp('conf/dynamodb-ttl.json'));
my $sessions   = $definition->{TableName};

sub make_table {
    my ($name) = @_;
    return $emulator->create_table($name, $definition->{KeySchema}[0]{AttributeName}, ttl => $ttl->{TimeToLiveSpecification}{AttributeName});
}

subtest 'the table' => sub {
    is($ttl->{TableName}, $sessions, 'both files name one table');
    is_deeply($ttl->{TimeToLiveSpecification}, { Enabled => JSON::PP::true, AttributeName => 'ttl' }, 'time to live is by ttl');
    is_deeply([ map { @$_{qw(AttributeName KeyType)} } @{ $definition->{KeySchema} } ], [qw(session_id HASH)], 'the key');
    make_table($_) for $sessions, $VALUE{LIMIT_TABLE};
};

my $server = Chatbot::Server->start(emulator => $emulator, quiet => 0, chatbot => <<"CONF");
ChatbotSessionTable $sessions
ChatbotRateLimitShared dynamodb:$VALUE{LIMIT_TABLE}
ChatbotMetrics cloudwatch
ChatbotModel $MODEL
ChatbotAgentCore $RUNTIME $VALUE{QUALIFIER}
ChatbotOpenAI @{[ $emulator->aws_url ]}/openai/v1
<LocationMatch "^/(?:converse|guarded|runtime|openai|stored)\$">
    SetHandler chatbot
</LocationMatch>
<LocationMatch "^/(?:converse|guarded)\$">
    ChatbotBackend converse
</LocationMatch>
<Location "/guarded">
    ChatbotGuardrail $VALUE{GUARDRAIL_ID} 1
</Location>
<LocationMatch "^/runtime">
    ChatbotBackend agentcore
</LocationMatch>
<Location "/runtime-sessions">
    SetHandler chatbot-sessions
</Location>
<Location "/openai">
    ChatbotBackend openai
</Location>
<Location "/stored">
    ChatbotFileBucket $VALUE{BUCKET} $VALUE{PREFIX}
</Location>
CONF
my %needed;

sub ask {
    my ($path, $message, %more) = @_;
    my $answer = $server->request('POST', $path, body => { message => $message, %more });
    is($answer->{status}, 200, join(' ', "$path:", $message, sort keys %more)) or diag($answer->{body});
    return $answer;
}

sub stream {
    my ($path) = @_;
    my @events = events_of(ask($path, 'Hello', stream => JSON::PP::true())->{body});
    is($events[-1]{event}, 'done', 'to its end');
    return;
}

sub forget {
    my ($path) = @_;
    is($server->request('GET', $path)->{status}, 200, "$path: shown");
    is($server->request('DELETE', $path)->{status}, 204, 'deleted');
    is($server->request('GET', $path)->{status}, 404, 'gone');
    return;
}

subtest 'an agent' => sub {
    ask('/chat', 'My name is Ada', session_id => 's-1');
    ask('/chat', 'Hello again',    session_id => 's-1');
    stream('/chat');
    is($server->chat({ message => '{{error validation}}', session_id => 's-2' })->{status}, 502, 'one that fails');
    forget('/sessions/s-1');
    is_deeply([ grep { $_->{session_id}{S} =~ /^s-/ } $emulator->items($sessions) ], [], 'so is its item');
    is(ask('/chat', 'What is my name?', session_id => 's-1')->{json}{response}, 'You have not told me your name yet.', 'and what the agent knew');
};

subtest 'a runtime' => sub {
    my $id = 'a-session-of-33-characters-or-more';
    ask('/runtime', 'My name is Ada', session_id => $id);
    stream('/runtime');
    forget("/runtime-sessions/$id");
    is(ask('/runtime', 'What is my name?', session_id => $id)->{json}{response}, 'You have not told me your name yet.', 'and what the runtime knew');
    my @users = grep { defined } map { $_->{headers}{'x-amzn-bedrock-agentcore-runtime-user-id'} } $emulator->calls('InvokeAgentRuntime');
    is_deeply(\@users, [], 'nobody was named');
    ask('/runtime', 'Hello', user_id => 'ada');
};

subtest 'a model' => sub {
    ask('/converse', 'Hello');
    stream('/converse');
    my $guardrail = ask('/guarded', '{{show guardrailConfig.guardrailIdentifier}}')->{json}{response};
    is($guardrail, $VALUE{GUARDRAIL_ID}, 'with the guardrail');
    $needed{"bedrock:ApplyGuardrail on arn:aws:bedrock:us-east-1:123456789012:guardrail/$guardrail"} = 'Converse';
    ask('/openai', 'Hello');
    stream('/openai');
};

subtest 'files' => sub {
    ask('/stored', 'Hello', files => [ { name => 'notes.txt', media_type => 'text/plain', data => encode_base64('Hello', '') } ]);
};

subtest 'a table of limits that was emptied' => sub {
    make_table($VALUE{LIMIT_TABLE});
    ask('/chat', 'Hello');
};

$server->stop_ok;

subtest 'what was asked of AWS' => sub {
    for my $call ($emulator->calls) {
        my $needs = $NEEDS{ $call->{operation} };
        ok($needs, "$call->{operation}: what it needs is known") or next;
        is($call->{signature}, 'ok', 'signed') if $call->{operation} ne 'ChatCompletions';
        $needed{$_} = $call->{operation} for $needs->($call);
    }
    for my $need (sort keys %needed) {
        ok(scalar(grep { allows($_, $need) } @allowed), "$needed{$need}: $need: allowed");
    }
    for my $allowed (@allowed) {
        ok(scalar(grep { allows($allowed, $_) } keys %needed), "$allowed: needed");
    }
};

ok($emulator->stop, 'the stand-in ends well');
done_testing();
