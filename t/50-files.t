#!/usr/bin/env perl
# Files that come with a message: checked, then on to the backend as bytes, or by way of ChatbotFileBucket.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->start(config => 'EmulatorBucket chat-uploads');
my $server = Chatbot::Server->start(emulator => $emulator, chatbot => "ChatbotMaxBody 20m", config => <<"CONF");
<Location "/stored">
    SetHandler chatbot
    ChatbotFileBucket chat-uploads from/chat
</Location>
<Location "/lost">
    SetHandler chatbot
    ChatbotFileBucket no-such-bucket
</Location>
<Location "/slow">
    SetHandler chatbot
    ChatbotFileBucket chat-uploads
    ChatbotTimeout total=1
</Location>
<Location "/model">
    SetHandler chatbot
    ChatbotBackend converse
    ChatbotModel test.model-v1:0
</Location>
<Location "/runtime">
    SetHandler chatbot
    ChatbotBackend agentcore
    ChatbotAgentCore arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/test-1234567890
</Location>
<Location "/openai">
    SetHandler chatbot
    ChatbotBackend openai
    ChatbotModel llama3
    ChatbotOpenAI ${\ $emulator->aws_url}/openai/v1
</Location>
CONF
sub file { my ($bytes, %more) = @_; return { name => 'notes.txt', media_type => 'text/plain', data => encode_base64($bytes, ''), %more } }

sub ask {
    my ($path, $message, @files) = @_;
    return $server->request('POST', $path, body => { message => $message, files => [@files] });
}

sub shown { my ($answer) = @_; return eval { JSON::PP->new->decode($answer->{json}{response}) } }

subtest 'without a bucket: as bytes' => sub {
    my $answer = ask('/chat', '{{show sessionState.files}}', file('Hello, file'), file("\0\1\2", name => 'b.bin', media_type => 'application/octet-stream'));
    is($answer->{status}, 200, 'answered');
    my $files = shown($answer);
    is(scalar @$files, 2, 'the agent got both');
    is($files->[0]{name}, 'notes.txt', 'with name');
    is($files->[0]{useCase}, 'CHAT', 'and use');
    is($files->[0]{source}{sourceType}, 'BYTE_CONTENT', 'as bytes');
    is($files->[0]{source}{byteContent}{data}, encode_base64('Hello, file', ''), 'these');
    is($files->[1]{source}{byteContent}{mediaType}, 'application/octet-stream', 'with their type');
};

subtest 'with a bucket: by its address' => sub {
    my $answer = ask('/stored', '{{show sessionState.files}}', file('Hello, bucket'), file('Another'));
    is($answer->{status}, 200, 'answered');
    my $files = shown($answer);
    my @uris = map { $_->{source}{s3Location}{uri} } @$files;
    like($_, qr{^s3://chat-uploads/from/chat/\Q$answer->{json}{session_id}\E/[0-9a-f-]{36}$}, 'a key that no client chooses') for @uris;
    isnt($uris[0], $uris[1], 'each its own');
    like(JSON::PP->new->encode($emulator->control('GET', 'buckets')), qr/from\/chat/, 'and there they are');
};

subtest 'a bucket that fails' => sub {
    my $answer = ask('/lost', 'Hello', file('x'));
    is($answer->{status}, 502, 'a bucket that is not there');
    is($answer->{json}{error_code}, 'dependency_failed', 'is a dependency that failed');
    like($server->error_log, qr/CHAT0301: .*dependency_failed: .*NoSuchBucket/, 'and the log says why');
    my $calls = $emulator->count('calls');
    $emulator->faults({ operation => 'PutObject', commands => '{{hang}}' });
    $answer = ask('/slow', 'Hello', file('x'));
    is($answer->{json}{error_code}, 'upstream_timeout', 'one that hangs ends with the turn');
    $emulator->faults;
    $emulator->faults({ operation => 'PutObject', commands => '{{hang}}' });
    my $leaver = $server->client;
    my $puts   = $emulator->count('cancelled', 'PutObject');
    my $before = $emulator->count('calls', 'PutObject');
    $leaver->send($leaver->compose('POST', '/stored', body => { message => 'Hello', files => [ file('x'), file('y') ] }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls', 'PutObject') == $before + 2 }), 'two files are on their way');
    $leaver->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled', 'PutObject') == $puts + 2 }), 'a client that leaves ends both');
    $emulator->faults;
    is($emulator->count('calls'), $calls, 'and the agent was not asked');
};

subtest 'what is refused' => sub {
    my %wrong = (
        'six files'            => [ map { file('x') } 1 .. 6 ],
        'no base64'            => [ file('x', data => 'not base64!') ],
        'nothing in it'        => [ file('x', data => '') ],
        'a name with a path'   => [ file('x', name => '../etc/passwd') ],
        'a name with a break'  => [ file('x', name => "a\r\nb") ],
        'an empty name'        => [ file('x', name => '') ],
        'a type that is none'  => [ file('x', media_type => 'text') ],
        'a type with a break'  => [ file('x', media_type => "text/plain\r\nX: 1") ],
        'no object'            => ['x'],
        'a part missing'       => [ { name => 'a', media_type => 'a/b' } ],
        'more than 10 MB'      => [ file('x' x 6_000_000), file('y' x 6_000_000) ],
    );
    for my $what (sort keys %wrong) {
        my $answer = ask('/chat', 'Hello', @{ $wrong{$what} });
        is($answer->{status}, 422, "$what: 422");
        is_deeply([ @{ $answer->{json}{detail}[0]{loc} }[ 0, 1 ] ], [qw(body files)], 'at its place');
    }
    is($server->request('POST', '/chat', body => { message => 'Hello', files => 'x' })->{json}{detail}[0]{type}, 'list_type', 'files that are no list');
    is($server->request('POST', '/chat', body => { message => 'Hello', files => undef })->{status}, 200, 'null is none');
    is(ask('/chat', 'Hello', file('x' x 2_000_000))->{status}, 200, 'two megabytes are fine');
};

subtest 'other backends' => sub {
    my $answer = ask('/model', '{{show messages.0.content.1.document.format}}', file('Hello, model'));
    is($answer->{status}, 200, 'a model gets a document');
    is($answer->{json}{response}, 'txt', 'in its form');
    is(ask('/model', 'Hello', file('x', media_type => 'application/x-tar'))->{status}, 422, 'but not of any kind');
    $answer = ask('/openai', '{{show messages.0.content.1.image_url.url}}', file('a picture', name => 'a.png', media_type => 'image/png'));
    is($answer->{json}{response}, 'data:image/png;base64,' . encode_base64('a picture', ''), 'another server gets a picture');
    $answer = ask('/runtime', 'Hello', file('x'));
    is($answer->{status}, 422, 'a runtime takes none');
    is_deeply($answer->{json}{detail}[0]{loc}, [ 'body', 'files', 0, 'media_type' ], 'and the refusal says where');
};

$server->stop_ok;
done_testing;
