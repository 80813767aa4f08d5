#!/usr/bin/env perl
# TLS to AWS: a private authority, kept connections, and certificates that are not taken.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Load;
use Chatbot::Server;
use Chatbot::TLS;

my $emulator = Chatbot::Emulator->shared;
my $tls = Chatbot::TLS->start;

# A server that reaches AWS by https, with the private authority's certificate unless `ca` is 0.
sub server_over {
    my ($kind, %option) = @_;
    my @lines = 'ChatbotAWSEndpoint bedrock-agent-runtime ' . $tls->tls_url($kind, $option{host});
    push @lines, 'ChatbotCAFile ' . $tls->ca_file if $option{ca} // 1;
    return Chatbot::Server->start(chatbot => join("\n", @lines, $option{chatbot} // ''));
}

# The requests that the TLS front has seen since `before`.
sub new_requests {
    my ($before, $least) = @_;
    my @all = $tls->requests($before + $least);
    return @all[ $before .. $#all ];
}

subtest 'a private authority' => sub {
    my $server = server_over('good', host => 'localhost');
    my $before = $tls->requests;
    is($server->chat('Hello')->{status}, 200, 'a chat is answered') or diag($server->error_log);
    my ($request) = new_requests($before, 1);
    like($request->{protocol}, qr/^TLSv1\.[23]$/, 'over TLS 1.2 or 1.3');
    is($request->{sni}, 'localhost', 'SNI names the host');
    $server->stop_ok;
};

subtest 'connections are kept' => sub {
    my $server = server_over('good', host => 'localhost');
    my $before = $tls->requests;
    my $result = Chatbot::Load->run($server->port, -c => 10, -n => 200, 'POST /chat {"message":"{{delay 10}} Hello"}');
    is_deeply($result->{statuses}, { 200 => 200 }, '200 chats are answered') or diag(explain($result));
    my @requests = new_requests($before, 200);
    is(scalar @requests, 200, 'as many requests arrived');
    my @handshakes = grep { $_->{before} == 0 } @requests;
    cmp_ok(scalar @handshakes, '<=', 15, 'over a few connections');
    note(scalar(@handshakes) . ' handshakes for 200 chats, ' . grep({ $_->{session} eq 'Resumed' } @handshakes) . ' of them resumed');
    $server->stop_ok;
};

subtest 'sessions are resumed' => sub {
    # One that closes each connection behind its answer.
    my $closing = Chatbot::TLS->start(config => "KeepAlive Off\n");
    my $server = Chatbot::Server->start(chatbot => join "\n", 'ChatbotCAFile ' . $closing->ca_file,
        'ChatbotAWSEndpoint bedrock-agent-runtime ' . $closing->tls_url('good', 'localhost'));
    is($server->chat('Hello')->{status}, 200, 'a chat is answered') for 1 .. 5;
    my @requests = $closing->requests(5);
    is(scalar(grep { $_->{before} == 0 } @requests), 5, 'each over a connection of its own') or diag(explain(\@requests));
    cmp_ok(scalar(grep { $_->{session} eq 'Resumed' } @requests), '>=', 4, 'all but the first with a resumed session')
        or diag(explain(\@requests));
    $server->stop_ok;
    $closing->stop_ok('the closing one stops');
};

for my $case (
    [ 'a certificate for another name', [ wrong_name => host => 'localhost' ], qr/(?:SSL: )?no alternative certificate subject name|does not match/ ],
    [ 'the same by its address',        [ 'wrong_name' ],                      qr/no alternative certificate subject name|does not match/ ],
    [ 'a certificate that has expired', [ expired => host => 'localhost' ],    qr/certificate has expired/ ],
    [ 'an authority that nobody knows', [ good => host => 'localhost', ca => 0 ], qr/unable to get local issuer certificate|self.signed/ ],
) {
    my ($name, $arguments, $reason) = @$case;
    subtest $name => sub {
        my $server = server_over(@$arguments);
        my $before = $tls->requests;
        my $calls  = $emulator->count('calls');
        my $answer = $server->chat('Hello');
        is($answer->{status}, 502, 'status 502');
        is($answer->{json}{error_code}, 'upstream_error', 'upstream_error');
        unlike($answer->{body}, qr/certificate|localhost|127\.0/i, 'nothing of the inside');
        like($server->error_log, qr/CHAT0301: .*InvokeAgent: connecting: .*$reason/, 'the log has the phase and the reason');
        is($server->notes($answer->{headers}{'x-request-id'})->{retries}, 0, 'it is not repeated');
        is(scalar($tls->requests), $before, 'no request was sent');
        is($emulator->count('calls'), $calls, 'nor did one arrive in plain text');
        $server->stop_ok;
    };
}

subtest 'plain HTTP behind an https endpoint' => sub {
    my $server = Chatbot::Server->start(chatbot => 'ChatbotAWSEndpoint bedrock-agent-runtime https://127.0.0.1:' . $tls->port);
    is($server->chat('Hello')->{json}{error_code}, 'upstream_error', 'upstream_error');
    unlike($tls->access_log, qr/agents/, 'nothing is sent in plain text');
    like($server->error_log, qr/CHAT0301: .*InvokeAgent: connecting: /, 'the log has the phase') or diag($server->error_log);
    $server->stop_ok;
};

subtest 'the credentials\' sources are checked against the same file' => sub {
    my $url = $tls->tls_url('good', 'localhost') . '/v2/credentials/role';
    my %sources = (credentials => 0, env => { AWS_CONTAINER_CREDENTIALS_FULL_URI => $url });
    my $server = Chatbot::Server->start(%sources, chatbot => 'ChatbotCAFile ' . $tls->ca_file);
    is($server->chat('Hello')->{status}, 200, 'a container\'s role over https');
    $server->stop_ok;
    $server = Chatbot::Server->start(%sources);
    is($server->chat('Hello')->{json}{error_code}, 'no_credentials', 'without it: no_credentials');
    like($server->error_log, qr/CHAT0112: .*certificate/, 'the log says why');
    $server->stop_ok;
};

subtest 'ChatbotCAFile' => sub {
    for my $case ([ '/nowhere/ca.pem', qr{ChatbotCAFile: "/nowhere/ca.pem" cannot be read or has no certificate; write a file of certificates in PEM form} ],
        [ '/dev/null', qr/ChatbotCAFile: .*PEM/ ], [ '/tmp', qr/ChatbotCAFile: .*PEM/ ], [ '', qr/ChatbotCAFile takes one/ ],
        [ $tls->dir . '/httpd.conf', qr/ChatbotCAFile: .*PEM/ ]) {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "ChatbotCAFile $case->[0]\n");
        isnt($status, 0, "'$case->[0]' stops configtest");
        like($text, $case->[1], 'with a hint');
    }
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => 'ChatbotCAFile ' . $tls->ca_file);
    is($status, 0, 'one that is there is taken') or diag($text);
};

done_testing();
