#!/usr/bin/env perl
# Directives: what is wrong stops httpd -t with the line and what to write instead; what is right merges.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

my $ARN   = 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/demo-a1b2c3d4e5';
my @wrong = (
    [ 'ChatbotAgent my-support-agent',             qr/ChatbotAgent: "my-support-agent".*write/ ],
    [ 'ChatbotAgent ABCDEFGHIJK',                  qr/ChatbotAgent: "ABCDEFGHIJK".*write/ ],
    [ 'ChatbotAgent AGENT12345 my-alias',          qr/ChatbotAgent: "my-alias".*write/ ],
    [ 'ChatbotAgent',                              qr/ChatbotAgent takes/ ],
    [ 'ChatbotTimeout total=soon',                 qr/ChatbotTimeout: .*soon.*write/ ],
    [ 'ChatbotTimeout total=0',                    qr/ChatbotTimeout: .*write/ ],
    [ 'ChatbotTimeout total=-1',                   qr/ChatbotTimeout: .*write/ ],
    [ 'ChatbotTimeout overall=3',                  qr/ChatbotTimeout: .*overall.*total=/ ],
    [ 'ChatbotTimeout 30',                         qr/ChatbotTimeout: .*total=/ ],
    [ 'ChatbotTimeoutStatus 500',                  qr/ChatbotTimeoutStatus: .*408.*504/ ],
    [ 'ChatbotMaxMessage none',                    qr/ChatbotMaxMessage: "none".*write/ ],
    [ 'ChatbotMaxMessage 0',                       qr/ChatbotMaxMessage: "0".*write/ ],
    [ 'ChatbotMaxBody 64q',                        qr/ChatbotMaxBody: "64q".*write/ ],
    [ 'ChatbotMaxBody 99999999999999999999',       qr/ChatbotMaxBody: .*write/ ],
    [ 'ChatbotMaxInFlight 0',                      qr/ChatbotMaxInFlight: "0".*write/ ],
    [ 'ChatbotMaxInFlight many',                   qr/ChatbotMaxInFlight: "many".*write/ ],
    [ 'ChatbotTokenUsage perhaps',                 qr/ChatbotTokenUsage must be On or Off/ ],
    [ 'ChatbotAWSRegion "us east"',                qr/ChatbotAWSRegion: "us east".*write/ ],
    [ 'ChatbotAWSEndpoint bedrock http://a',       qr/ChatbotAWSEndpoint: "bedrock".*bedrock-agent-runtime/ ],
    [ 'ChatbotAWSEndpoint * ftp://a',              qr/ChatbotAWSEndpoint: "ftp:\/\/a"/ ],
    [ 'ChatbotAWSEndpoint * http://a b',           qr/ChatbotAWSEndpoint takes two/ ],
    [ 'ChatbotAWSEndpoint * http://',              qr/ChatbotAWSEndpoint: / ],
    [ 'ChatbotAWSEndpoint * http://user:pw@a',     qr/ChatbotAWSEndpoint: / ],
    [ 'ChatbotBackend gpt',                        qr/ChatbotBackend: "gpt".*write agent, agentcore/ ],
    [ 'ChatbotBackend converse',                   qr/ChatbotBackend converse on line \d+ of .*write ChatbotModel/ ],
    [ "ChatbotBackend openai\nChatbotModel m",     qr/ChatbotBackend openai on line \d+ of .*write ChatbotOpenAI/ ],
    [ "ChatbotBackend openai\nChatbotOpenAI http://a/v1", qr/ChatbotBackend openai on line \d+ of .*write ChatbotModel/ ],
    [ 'ChatbotBackend agentcore',                  qr/ChatbotBackend agentcore on line \d+ of .*write ChatbotAgentCore/ ],
    [ 'ChatbotAgentCore my-runtime',               qr/ChatbotAgentCore: "my-runtime".*write its ARN/ ],
    [ "ChatbotAgentCore $ARN 'a b'",               qr/ChatbotAgentCore: "a b".*write/ ],
    [ 'ChatbotAgentCore arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/x',
        qr/ChatbotAgentCore on line \d+ of .*eu-west-1.*write ChatbotAWSRegion eu-west-1/ ],
    [ 'ChatbotModel "a b"',                        qr/ChatbotModel: "a b".*write/ ],
    [ 'ChatbotModelName "my model"',               qr/ChatbotModelName: "my model".*write/ ],
    [ 'ChatbotSystemPrompt file:/nowhere/x',       qr/ChatbotSystemPrompt: \/nowhere\/x: / ],
    [ "ChatbotSystemPrompt \"\xff\"",              qr/ChatbotSystemPrompt: .*UTF-8/ ],
    [ 'ChatbotInference max_tokens 0',             qr/ChatbotInference: "0".*write/ ],
    [ 'ChatbotInference temperature 2.5',          qr/ChatbotInference: "2.5".*write/ ],
    [ 'ChatbotInference temperature nan',          qr/ChatbotInference: "nan".*write/ ],
    [ 'ChatbotInference top_p 1.5',                qr/ChatbotInference: "1.5".*write/ ],
    [ "ChatbotInference stop \"\xff\"",            qr/ChatbotInference: .*UTF-8/ ],
    [ 'ChatbotInference topK 5',                   qr/ChatbotInference: "topK".*max_tokens/ ],
    [ 'ChatbotGuardrail gr1',                      qr/ChatbotGuardrail: "gr1".*version/ ],
    [ 'ChatbotGuardrail gr1 latest',               qr/ChatbotGuardrail: "latest".*write/ ],
    [ 'ChatbotGuardrail "g r" 1',                  qr/ChatbotGuardrail: .*write/ ],
    [ 'ChatbotOpenAI localhost:11434',             qr/ChatbotOpenAI: "localhost:11434": an endpoint starts with .*http:\/\// ],
    [ 'ChatbotOpenAI http://a/v1 sk-1234',         qr/ChatbotOpenAI: .*write env:NAME or file:path/ ],
    [ 'ChatbotOpenAI http://a/v1 env:CHATBOT_NOT_SET', qr/ChatbotOpenAI: "env:CHATBOT_NOT_SET".*set it/ ],
    [ 'ChatbotOpenAI http://a/v1 file:/nowhere',   qr/ChatbotOpenAI: \/nowhere: / ],
    [ 'ChatbotSessionAttribute tier "%{"',         qr/ChatbotSessionAttribute: .*no expression/ ],
    [ "ChatbotPromptAttribute \"\xff\" x",         qr/ChatbotPromptAttribute: .*UTF-8/ ],
    [ 'ChatbotAgnet AGENT12345',                   qr/Invalid command 'ChatbotAgnet'/ ],
    [ "<VirtualHost *:1>\nChatbotMaxInFlight 5\n</VirtualHost>",       qr/ChatbotMaxInFlight (?:cannot occur|not allowed)/ ],
    [ "<Location /chat>\nChatbotMaxInFlight 5\n</Location>",           qr/ChatbotMaxInFlight (?:cannot occur|not allowed)/ ],
    [ "<Location /chat>\nChatbotAWSRegion us-east-1\n</Location>",     qr/ChatbotAWSRegion (?:cannot occur|not allowed)/ ],
);
for my $case (@wrong) {
    my ($line, $pattern) = @$case;
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $line);
    (my $name = $line) =~ s/\n/ /g;
    isnt($status, 0, "$name: refused");
    like($text, $pattern, "$name: the reason, and what to write instead");
    like($text, qr/on line \d+ of/, "$name: the line");
}

for my $line ('ChatbotTimeout total=30 connect=3 first=30 idle=30 stream=300', 'ChatbotTimeout total=500ms',
    'ChatbotTimeout total=1min', 'ChatbotMaxBody 1m', 'ChatbotMaxBody 65536', 'ChatbotTimeoutStatus 408',
    'ChatbotAgent AGENT12345', 'ChatbotAWSEndpoint bedrock-agent-runtime https://vpce.example.com:8443',
    "ChatbotBackend AgentCore\nChatbotAgentCore $ARN PROD", "ChatbotModel m\n<Location /a>\nChatbotBackend converse\n</Location>",
    "ChatbotBackend openai\nChatbotOpenAI http://127.0.0.1:11434/v1/\nChatbotModel llama3\nChatbotModelName house",
    "ChatbotGuardrail gr1 DRAFT\n<Location /a>\nChatbotGuardrail Off\n</Location>", 'ChatbotInference max_tokens 100',
    'ChatbotSystemPrompt Off', 'ChatbotSessionAttribute user %{REMOTE_USER}',
    'ChatbotTokenUsage Off', "<Location /a>\nChatbotAgent OTHER ALIAS\n</Location>",
    "<Directory />\nChatbotMaxMessage 10\n</Directory>") {
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $line);
    is($status, 0, "taken: $line") or diag($text);
}

subtest 'the MPM\'s limits are looked at' => sub {
    my $server = Chatbot::Server->start(emulator => 0, factor => 2, chatbot => 'ChatbotMaxInFlight 5000');
    like($server->error_log, qr/CHAT\d{4}: .*AsyncRequestWorkerFactor/, 'too few connections for ChatbotMaxInFlight');
    $server->stop_ok;
    $server = Chatbot::Server->start(emulator => 0, chatbot => 'ChatbotMaxInFlight 100');
    unlike($server->error_log, qr/AsyncRequestWorkerFactor/, 'nothing to say when they fit');
    $server->stop_ok;
};

subtest 'scopes merge' => sub {
    my $server = Chatbot::Server->start(ports => 1, chatbot => <<'CONF', config => sub { my ($self) = @_; return <<"VHOST" });
ChatbotMaxMessage 10
ChatbotTimeoutStatus 504
<Location "/longer">
    SetHandler chatbot
    ChatbotMaxMessage 20
</Location>
<Location "/longer/uncounted">
    ChatbotTokenUsage Off
</Location>
<Location "/quick">
    SetHandler chatbot
    ChatbotMaxMessage 100
    ChatbotTimeout total=300ms
</Location>
CONF
Listen 127.0.0.1:$self->{ports}[0]
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    DocumentRoot $self->{dir}/htdocs
    ChatbotMaxMessage 15
    ChatbotTokenUsage Off
</VirtualHost>
VHOST
    my $try = sub {
        my ($path, $length, $port) = @_;
        my $client = Chatbot::Client->new(port => $port // $server->port);
        return $client->request('POST', $path, body => { message => 'x' x $length });
    };
    is($try->('/chat', 10)->{status}, 200, 'the server\'s value');
    is($try->('/chat', 11)->{status}, 422, 'the server\'s limit');
    is($try->('/longer', 20)->{status}, 200, 'a location\'s own');
    is($try->('/longer', 21)->{status}, 422, 'a location\'s own limit');
    is($try->('/longer/uncounted', 20)->{status}, 200, 'inherited by the location below');
    is($try->('/longer/uncounted', 20)->{json}{tokens_used}, undef, 'ChatbotTokenUsage Off: not counted');
    like($try->('/longer', 20)->{json}{tokens_used} // '', qr/^[1-9]\d*$/, 'counted above it');
    is($try->('/chat', 15, $server->{ports}[0])->{status}, 200, 'the virtual host\'s own');
    is($try->('/chat', 16, $server->{ports}[0])->{status}, 422, 'the virtual host\'s own limit');
    is($try->('/longer', 20, $server->{ports}[0])->{status}, 200, 'a location inside it');
    my $late = $server->request('POST', '/quick', body => { message => '{{hang}}' });
    is($late->{status}, 504, 'the location\'s time, the server\'s status for it');
    $server->stop_ok;
};

done_testing();
