#!/usr/bin/perl
# Metrics against a CloudWatch that is not ours: what moto's server has understood of PutMetricData.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin, "$Bin/../lib";
use Chatbot::Server;
use EmulatorSdk;
use File::Spec;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;

my $python = find_python('import moto.server, flask, boto3')
    // skip_all('metrics at moto', 'moto is not installed, or without flask or boto3');
my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    open STDOUT, '>', File::Spec->devnull;
    open STDERR, '>', File::Spec->devnull;
    exec $python, '-m', 'moto.server', '-H', '127.0.0.1', '-p', $port or exit 127;
}
my $owner = $$;

END {
    if (defined $owner && $$ == $owner) {
        local $?;
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
}

my $up = Chatbot::Httpd::wait_for(60, sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") });
ok $up, 'moto runs';
my $server = Chatbot::Server->start(chatbot => "ChatbotMetrics cloudwatch\nChatbotMetricsInterval 1s\n"
    . "ChatbotAWSEndpoint monitoring http://127.0.0.1:$port\nChatbotMetricsDimension Stage test\n");
$server->chat('Hello') for 1 .. 20;
$server->chat({}) for 1 .. 3;
$server->chat('{{error AccessDeniedException}}');
ok $server->stop, 'httpd stops';
unlike $server->error_log, qr/CHAT0701|CHAT0712/, 'moto has taken every call';

my %keys = Chatbot::Emulator->credentials;
local @ENV{ keys %keys } = values %keys;
my $read = JSON::PP->new->decode(scalar qx($python $Bin/read_cloudwatch.py http://127.0.0.1:$port ChatBot/httpd) || '{}');
is $read->{'ChatRequest Endpoint=/chat Stage=test Status=Success'}{Sum}, 20, 'the successes';
is $read->{'ChatRequest Endpoint=/chat Stage=test Status=Error'}{Sum}, 4, 'the errors';
is $read->{'UpstreamErrors Code=AccessDeniedException Stage=test'}{Sum}, 1, 'errors by their code';
is $read->{'ProcessingTime Endpoint=/chat Stage=test'}{SampleCount}, 24, 'each duration';
cmp_ok $read->{'ProcessingTime Endpoint=/chat Stage=test'}{Average}, '>', 0, 'a mean of theirs';
is $read->{'FirstTokenTime Endpoint=/chat Stage=test'}{SampleCount}, 20, 'each first text';
cmp_ok $read->{'TokensUsed Endpoint=/chat Stage=test'}{Sum}, '>', 0, 'tokens';
done_testing;
