#!/usr/bin/env perl
# Who answers at a location: agents with attributes, runtimes, models and other servers, through httpd.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $runtime  = 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime';
my $folder   = tempdir(CLEANUP => 1);

sub file {
    my ($name, $text) = @_;
    open my $out, '>', "$folder/$name" or die "$folder/$name: $!";
    print $out $text;
    close $out or die "$folder/$name: $!";
    return "$folder/$name";
}

my $system = file('system.txt', "Answer in rhymes.\n");
my $key    = file('key', "sk-secret-of-the-file\n");
my $url    = $emulator->aws_url;
my $server = Chatbot::Server->start(env => { CHATBOT_TEST_KEY => 'sk-secret-of-the-environment' }, chatbot => <<"CONF");
ChatbotModel anthropic.claude-3-haiku-20240307-v1:0
ChatbotSystemPrompt "Be kind."
ChatbotInference temperature 0.5
ChatbotInference stop END
ChatbotAgentCore $runtime/outer-a1b2c3d4e5 OUTER
ChatbotSessionAttribute tier gold
ChatbotSessionAttribute agent %{HTTP:User-Agent}
ChatbotSessionAttribute nothing %{REMOTE_USER}
<Location "/agent">
    SetHandler chatbot
    ChatbotPromptAttribute path %{REQUEST_URI}
    ChatbotSessionAttribute tier silver
</Location>
<Location "/converse">
    SetHandler chatbot
    ChatbotBackend converse
</Location>
<Location "/converse/strict">
    ChatbotModel arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-1-8b-instruct-v1:0
    ChatbotSystemPrompt "file:$system"
    ChatbotInference max_tokens 5
    ChatbotInference top_p 0.9
    ChatbotGuardrail gr1 1
</Location>
<Location "/converse/strict/free">
    ChatbotSystemPrompt Off
    ChatbotGuardrail Off
</Location>
<Location "/runtime">
    SetHandler chatbot
    ChatbotBackend agentcore
</Location>
<Location "/runtime/missing">
    ChatbotAgentCore $runtime/NOTFOUND-a1b2c3d4e5
</Location>
<Location "/openai">
    SetHandler chatbot
    ChatbotBackend openai
    ChatbotModel llama3
    ChatbotOpenAI $url/openai/v1 env:CHATBOT_TEST_KEY
</Location>
<Location "/openai/other">
    ChatbotOpenAI $url/openai/v1 "file:$key"
</Location>
<Location "/openai/down">
    ChatbotOpenAI http://127.0.0.1:1/v1
</Location>
<Location "/openai/readyz">
    SetHandler chatbot-health
</Location>
CONF

sub ask {
    my ($path, $message) = @_;
    return $server->request('POST', $path, body => { message => $message });
}

sub says {
    my ($path, $message, $expected) = @_;
    my $answer = ask($path, $message);
    is($answer->{status}, 200, "$path: $message: 200") or diag($answer->{body});
    like($answer->{json}{response} // '', $expected, "$path: $message");
    return;
}

says('/agent', '{{show sessionState.sessionAttributes}}', qr/"tier":\s*"silver"/);
says('/agent', '{{show sessionState.sessionAttributes.agent}}', qr/\S/);
says('/agent', '{{show sessionState.sessionAttributes.nothing}}', qr/^null$/);
says('/agent', '{{show sessionState.promptSessionAttributes.path}}', qr{^/agent$});
says('/chat', '{{show sessionState.sessionAttributes.tier}}', qr/^gold$/);
says('/chat', '{{show sessionState.promptSessionAttributes}}', qr/^null$/);

says('/converse', '{{show system.0.text}}', qr/^Be kind\.$/);
says('/converse', '{{show inferenceConfig}}', qr/"temperature":\s*0\.5/);
says('/converse', '{{show inferenceConfig.stopSequences}}', qr/^\["$/);    # and cut there
says('/converse', '{{show guardrailConfig}}', qr/^null$/);
says('/converse/strict', '{{show system.0.text}}', qr/^Answer in rhymes/);
says('/converse/strict', '{{show inferenceConfig.maxTokens}}', qr/^5$/);
says('/converse/strict', '{{show inferenceConfig.topP}}', qr/^0\.9/);
says('/converse/strict', '{{show guardrailConfig.guardrailIdentifier}}', qr/^gr1$/);
says('/converse/strict/free', '{{show guardrailConfig}}', qr/^null$/);
says('/converse/strict/free', '{{show system}}', qr/^null$/);

says('/runtime', 'Hello', qr/\S/);
is(ask('/runtime/missing', 'Hello')->{json}{error_code}, 'upstream_error', 'a runtime that is not there');

says('/openai', '{{show model}}', qr/^llama3$/);
says('/openai', '{{show messages.0.content}}', qr/^Be kind\.$/);
says('/openai/other', 'Hello', qr/\S/);
is(ask('/openai/down', 'Hello')->{json}{error_code}, 'upstream_error', 'a server that is not there');
is($server->request('GET', '/openai/readyz')->{status}, 200, '/readyz of a server without AWS');

subtest 'without AWS' => sub {
    my $other = Chatbot::Server->start(credentials => 0, region => 0, agent => 0, env => { AWS_EC2_METADATA_DISABLED => 'true' },
        chatbot => "ChatbotBackend openai\nChatbotModel llama3\nChatbotOpenAI $url/openai/v1");
    is($other->chat('Hello')->{status}, 200, 'neither region nor credentials are needed');
    is($other->request('GET', '/readyz')->{status}, 200, '/readyz says so');
    $other->stop_ok;
};

subtest 'models are told what was said before' => sub {
    my $other = Chatbot::Server->start(quiet => 0, modules => ['socache_shmcb'], chatbot => <<"CONF");
ChatbotMetrics Off
ChatbotSessionStore shmcb
ChatbotModel llama3
ChatbotOpenAI $url/openai/v1
<Location "/converse">
    SetHandler chatbot
    ChatbotBackend converse
</Location>
<Location "/openai">
    SetHandler chatbot
    ChatbotBackend openai
</Location>
CONF
    for my $path (qw(/converse /openai)) {
        my $session = $other->request('POST', $path, body => { message => 'My name is Ada' })->{json}{session_id};
        my $answer = $other->request('POST', $path, body => { message => 'What is my name?', session_id => $session });
        is($answer->{json}{response}, 'Your name is Ada.', $path);
        is($other->request('DELETE', "/sessions/$session")->{status}, 204, "$path: a session is deleted");
    }
    $other->stop_ok;
};

subtest 'a stream' => sub {
    for my $path (qw(/converse /runtime /openai)) {
        my $answer = $server->request('POST', $path, body => { message => '{{words 20}}', stream => JSON::PP::true() });
        like($answer->{body}, qr/event: delta.*event: delta.*event: done/s, "$path: piece by piece");
    }
};

unlike($server->error_log, qr/sk-secret/, 'no key is in the log');
$server->stop_ok;
done_testing();
