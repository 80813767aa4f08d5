#!/usr/bin/env perl
# The backends without httpd: what is asked of the stand-in, and what its answers come to.
use strict;
use warnings;
use lib 't/lib', 't/conformance';
use Test::More;
use Chatbot::Emulator;
use Vectors;

my $emulator = Chatbot::Emulator->start(config => 'EmulatorBucket chat-files');
($ENV{CLIENT_ACCESS_KEY}, $ENV{CLIENT_SECRET_KEY}) =
    ($Chatbot::Emulator::ACCESS_KEY, $Chatbot::Emulator::SECRET_KEY);
start_helper('backends');

my $true    = JSON::PP::true();
my $runtime = 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/demo-abcdefghij';
my %base    = (
    agent     => { url => $emulator->aws_url },
    converse  => { url => $emulator->aws_url, id => 'anthropic.claude-3-haiku-20240307-v1:0' },
    agentcore => { url => $emulator->aws_url, id => $runtime },
    openai    => { url => $emulator->aws_url . '/openai/v1', id => 'llama3', key => 'sk-test' },
);
my $sessions = 0;

sub question {
    my ($backend, $message, %more) = @_;
    return ask({ backend => $backend, session => 's' . ++$sessions, %{ $base{$backend} }, message => $message, %more });
}

sub says {
    my ($backend, $message, $expected, %more) = @_;
    my $got = question($backend, $message, %more);
    my ($name) = $message =~ /^([\x20-\x7e]*)/;
    ref $expected ? like($got->{text}, $expected, "$backend: $name") : is($got->{text}, $expected, "$backend: $name")
        or diag $got->{reason};
    is $got->{end}, 'answered', "$backend: $name: an answer" or diag $got->{reason};
    return $got;
}

sub ends {
    my ($backend, $message, $end, %more) = @_;
    my $got = question($backend, $message, %more);
    is $got->{end}, $end, "$backend: $message: $end" or diag $got->{reason};
    return $got;
}

# ---- what all of them do ----

for my $backend (sort keys %base) {
    for my $streams (0, 1) {
        my %stream = $streams ? (stream => $true) : ();
        my $got = says($backend, '{{words 50}}', qr/^word1 word2 .* word50$/, %stream);
        cmp_ok $got->{pieces}, $streams ? '>' : '<', 25, "$backend: pieces as asked for" if $backend ne 'agentcore';
        cmp_ok $got->{tokens}, '>', $got->{input_tokens}, "$backend: tokens" if $backend ne 'agentcore';
        says($backend, "{{echo}}Gr\x{fc}\x{df}e \x{1f600}", "Gr\x{fc}\x{df}e \x{1f600}", %stream);
        is length(says($backend, '{{bytes 300000}}', qr/./, %stream, pauses => $true)->{text}), 300_000,
            "$backend: all of it, for a reader that pauses";
    }
    says($backend, '{{words 3}}{{split 1}}', qr/word3$/, stream => $true);
    is ends($backend, '{{words 100}}{{chunk-delay 20}}', 'cancelled', stream => $true, cancels => $true)->{pieces}, 1,
        "$backend: cancelled at its first piece";
    ends($backend, '{{hang}}', 'timeout', timeout => 200);
    my $cut = ends($backend, '{{words 60}}{{cut-hard 900}}', 'protocol_error', stream => $true);
    like $cut->{text}, qr/^(?:word1|$)/, "$backend: cut";
    is $cut->{retries}, 0, "$backend: a cut answer is not asked for again";
    ends($backend, '{{status 403}}', 'access_denied');
    ends($backend, '{{status 429}}', 'throttled');
}
is $emulator->state->{operations}{$_}{in_progress} // 0, 0, "$_: nothing is left open" for qw(InvokeAgent ConverseStream);

# ---- agents ----

sub memory {
    my ($backend) = @_;
    my %session = (session => "memory-$backend");
    says($backend, 'My name is Ada', 'Nice to meet you, Ada.', %session);
    says($backend, 'What is my name?', 'Your name is Ada.', %session);
    return %session;
}

my %session = memory('agent');
ends('agent', '', 'answered', %session, ends => $true);
says('agent', 'What is my name?', qr/^(?!Your name is Ada)/, %session);
ends('agent', '', 'answered', session => 'never-seen', ends => $true);
says('agent', 'What is my name?', 'Your name is Ada.', stream => $true,
    history => [ [ user => 'My name is Ada' ], [ assistant => 'Nice to meet you, Ada.' ] ]);
says('agent', '{{show sessionState}}', qr/"tier".*"note\.txt"/s, attribute => 'gold', file => 'QUJD');
ends('agent', '{{return-control}}', 'error');
is ends('agent', '{{stream-error dependencyFailedException 2}}{{words 9}}', 'dependency', stream => $true)->{code},
    'dependencyFailedException', 'agent: the name of an error in the stream';

# ---- models ----

for my $backend (qw(converse openai)) {
    my @history = ([ assistant => 'too early' ], [ user => 'My name is Ada' ], [ assistant => 'Nice to meet you, Ada.' ],
        [ system => 'Be brief.' ]);
    says($backend, 'What is my name?', 'Your name is Ada.', history => \@history, system => 'Be kind.');
    is says($backend, '{{words 100}}', qr/^word1/, max_tokens => 5)->{stop}, 'length', "$backend: cut off by max_tokens";
    is says($backend, '{{guardrail}} x', qr/./, stream => $true)->{stop}, 'filtered', "$backend: a guardrail";
    says($backend, '{{reasoning 10}}{{words 3}}', 'word1 word2 word3', stream => $true);
    ends($backend, '{{no-stop}}{{words 3}}', 'protocol_error', stream => $true);
    says($backend, '{{show messages}}', qr/QUJD/, file => 'QUJD');
}
says('converse', '{{show system}}', qr/"Be kind\."/, system => 'Be kind.');
says('converse', '{{show guardrailConfig}}', qr/"sync"/, stream => $true, guardrail => 'gr1');
ends('converse', '{{stop-reason model_context_window_exceeded}}x', 'error', stream => $true);
ends('converse', '{{stream-error modelStreamErrorException 2}}{{words 9}}', 'unavailable', stream => $true);
ends('converse', 'x', 'error', id => 'NOTFOUND');
says('converse', 'Hello', qr/./, id => 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-v1:0');

# A whole answer of a model may be asked for again whatever became of it, a stream may not.
for my $streams (0, 1) {
    $emulator->faults({ operation => $streams ? 'ConverseStream' : 'Converse', commands => '{{reset}}', times => 1 });
    my $got = question('converse', '{{words 5}}', $streams ? (stream => $true) : ());
    is $got->{end}, $streams ? 'unavailable' : 'answered', "converse: a lost answer, stream $streams" or diag $got->{reason};
    is $got->{retries}, $streams ? 0 : 1, 'is asked for again or not';
}
$emulator->faults;

# ---- runtimes ----

%session = memory('agentcore');
says('agentcore', '{{words 3}}', 'word1 word2 word3', qualifier => 'PROD', user => "J\x{fc}rgen\r\nX: y");
for my $form (qw(response result message string text sse)) {
    says('agentcore', "{{form $form}}{{words 30}}", qr/^word1 .* word30$/);
}
says('agentcore', '{{form sse}}{{comments}}{{words 30}}', qr/^word1 .* word30$/);
ends('agentcore', '{{form sse}}{{stream-error boom 2}}{{words 9}}', 'dependency');
is ends('agentcore', '{{error RetryableConflictException 409}}', 'busy')->{retries}, 2, 'agentcore: a conflict that may pass';
ends('agentcore', 'x', 'error', id => 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/NOTFOUND-x');

# ---- any server ----

ends('openai', 'x', 'error', id => 'NOTFOUND');
says('openai', '{{comments}}{{words 30}}', qr/word30$/, stream => $true);
is ends('openai', '{{error invalid_api_key}} x', 'access_denied')->{code}, 'invalid_api_key', 'openai: its own name of an error';
is ends('openai', '{{status 500}}', 'unavailable')->{retries}, 0, 'openai: an error of the server is not asked for again';
is ends('openai', '{{status 503}}', 'unavailable')->{retries}, 2, 'openai: one that had not begun is';

end_helper();

# ---- files ----

sub put_object {
    my ($key, %more) = @_;
    return ask({ url => $emulator->aws_url, bucket => 'chat-files', key => $key, type => 'text/plain', body => 'Hello', %more });
}

start_helper('s3_put');
my $key = "up load/../a+b%c~//\x{fc}.txt";
my $put = put_object($key);
ok $put->{stored}, 'a file is put into S3, its signature is right' or diag $put->{reason};
like $put->{aws_request_id}, qr/\S/, 'with the id of the request';
is put_object($key)->{code}, 'PreconditionFailed', 'a key is used once';
is put_object('a', bucket => 'not-there')->{code}, 'NoSuchBucket', 'a bucket that is not there';
is put_object('b', body => 'x' x 3_000_000)->{stored}, JSON::PP::true(), 'a large one';
$emulator->faults({ operation => 'PutObject', commands => '{{reset}}', times => 1 });
ok put_object('c')->{stored}, 'put again when the answer is lost';
$emulator->faults;
end_helper();
ok $emulator->stop, 'the stand-in ends well';
done_testing;
