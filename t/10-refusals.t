#!/usr/bin/env perl
# What is refused at once with 503, and what httpd decides in front of the module.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 10 : 1;

# The answer to a chat must be a refusal that came at once; the quickest of three tries counts.
sub refused {
    my ($server, $code) = @_;
    my ($answer, @took);
    for (1 .. 3) {
        my $started = time();
        $answer = $server->chat('Hello');
        push @took, time() - $started;
    }
    is($answer->{status}, 503, "$code: 503");
    is($answer->{json}{error_code}, $code, $code);
    like($answer->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, "$code: Retry-After");
    cmp_ok((sort { $a <=> $b } @took)[0], '<', 0.05 * $slow, "$code: within 50 ms");
    return $answer;
}

subtest 'no agent is configured' => sub {
    my $server = Chatbot::Server->start(agent => 0);
    my $id = refused($server, 'not_configured')->{json}{request_id};
    like($server->error_log, qr/CHAT0233: request \Q$id\E: not_configured: no agent is named; write ChatbotAgent id/, 'the log says what to write');
    is($server->request('GET', '/health')->{status}, 200, 'the health page is there');
    $server->stop_ok;
};

subtest 'no credentials' => sub {
    my $server = Chatbot::Server->start(credentials => 0);
    my $answer = refused($server, 'no_credentials');
    unlike($answer->{body}, qr/AWS_/, 'the answer does not tell of the inside');
    like($server->error_log, qr/CHAT\d{4}: .*AWS_ACCESS_KEY_ID/, 'the log says what to do');
    $server->stop_ok;
};

subtest 'no region' => sub {
    my $server = Chatbot::Server->start(region => 0, emulator => 0);
    my $answer = $server->chat('Hello');
    is($answer->{status}, 503, 'status 503');
    like($server->error_log, qr/CHAT\d{4}: .*AWS_REGION/, 'the log says what to do');
    $server->stop_ok;
};

subtest 'everything from the environment' => sub {
    my $server = Chatbot::Server->start(agent => 0, region => 0, emulator => 0, env => {
        BEDROCK_AGENT_ID => 'ENVAGENT01', BEDROCK_AGENT_ALIAS_ID => 'ENVALIAS01', AWS_REGION => 'eu-central-1',
        AWS_ENDPOINT_URL => 'http://127.0.0.1:' . $emulator->aws_port });
    is($server->chat('Hello')->{status}, 200, 'agent, alias, region and endpoint');
    $server->stop_ok;
    $server = Chatbot::Server->start(agent => 0, region => 0, emulator => 0, env => {
        BEDROCK_AGENT_ID => 'ENVAGENT01', AWS_DEFAULT_REGION => 'eu-central-1', AWS_ENDPOINT_URL => 'http://127.0.0.1:9',
        AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME => 'http://127.0.0.1:' . $emulator->aws_port });
    is($server->chat('Hello')->{status}, 200, 'the endpoint of the one service wins');
    $server->stop_ok;
};

subtest 'ChatbotMaxInFlight' => sub {
    my $server = Chatbot::Server->start(chatbot => 'ChatbotMaxInFlight 2', children => 2);
    my @clients = map { $server->client } 1 .. 2;
    $_->send($_->compose('POST', '/chat', body => { message => '{{delay 2500}}' })) for @clients;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 2 }), 'two chats are in flight');
    refused($server, 'overloaded');
    is($server->request('GET', '/health')->{status}, 200, 'the health page is served');
    is($server->request('GET', '/page.html')->{status}, 200, 'and the site');
    is($_->answer->{status}, 200, 'those in flight are answered') for @clients;
    is($server->chat('Hello')->{status}, 200, 'then there is room again');
    my $gone = $server->client;
    $gone->send($gone->compose('POST', '/chat', body => { message => '{{hang}}' }));
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 });
    $gone->reset;
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 });
    my @more = map { $server->client } 1 .. 2;
    $_->send($_->compose('POST', '/chat', body => { message => '{{delay 100}}' })) for @more;
    is($_->answer->{status}, 200, 'a client that left gives its place back') for @more;
    $server->stop_ok;
};

subtest 'httpd\'s own rules come first' => sub {
    my $server = Chatbot::Server->start(config => <<'CONF');
<Location "/closed">
    SetHandler chatbot
    Require all denied
</Location>
<Location "/own-page">
    SetHandler chatbot
    ErrorDocument 422 /page.html
</Location>
LimitRequestBody 2000
CONF
    my %body = (body => { message => 'Hello' });
    is($server->request('POST', '/closed', %body)->{status}, 403, 'Require applies');
    my $answer = $server->request('POST', '/own-page', body => {});
    is($answer->{status}, 422, 'ErrorDocument keeps the status');
    is($answer->{body}, "<p>a page\n", 'and wins over our body');
    is($server->request('POST', '/own-page', %body)->{status}, 200, 'any path can be mapped');
    is($server->chat('x' x 3000)->{status}, 413, 'LimitRequestBody applies');
    $server->stop_ok;
};

subtest 'the access log' => sub {
    my $server = Chatbot::Server->start;
    $server->chat('Hello', headers => { 'X-Request-ID' => 'logged-1' });
    $server->chat('{{error accessDeniedException}}', headers => { 'X-Request-ID' => 'logged-2' });
    $server->chat('', headers => { 'X-Request-ID' => 'logged-3' });
    ok(Chatbot::Httpd::wait_for(5, sub { $server->access_log =~ /logged-3/ }), 'notes are in the access log');
    my $log = $server->access_log;
    like($log, qr/ 200 .* logged-1 \w+$/m, 'an answer');
    like($log, qr/ 502 .* logged-2 upstream_access_denied$/m, 'an upstream error');
    like($log, qr/ 422 .* logged-3 validation_error$/m, 'a refusal');
    like($server->error_log, qr/logged-2/, 'the error log has the request id');
    $server->stop_ok;
};

done_testing();
