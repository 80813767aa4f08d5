#!/usr/bin/env perl
# OpenAI's API as this module speaks it convinces the official client: openai_client.cjs does the asking,
# with the packages that install-node-packages put into the build folder. Under prove -v it
# prints what was asked and answered.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;
use Chatbot::Server;

my $packages = "$Chatbot::Httpd::BUILD/node";
-e "$packages/node_modules/openai"
    or skip_all('the OpenAI client against the module', 'no node 20 with npm, or its packages cannot be had');

my $emulator = Chatbot::Emulator->shared;
my $server   = Chatbot::Server->start(quiet => 0, modules => ['socache_shmcb'],
    chatbot => <<'SERVER', config => sub { return <<"CONF" });
ChatbotRateLimit Off
ChatbotMetrics Off
ChatbotCircuitBreaker Off
ChatbotStreamHeartbeat 100ms
SERVER
<Location "/v1">
    SetHandler chatbot-openai
</Location>
<Location "/model/v1">
    SetHandler chatbot-openai
    ChatbotBackend converse
    ChatbotModel anthropic.claude-3-haiku-20240307-v1:0
    ChatbotModelName org/haiku:3
</Location>
<Location "/limited/v1">
    SetHandler chatbot-openai
    ChatbotRateLimit 1 1h
</Location>
<Location "/impatient/v1">
    SetHandler chatbot-openai
    ChatbotTimeout total=500ms
    ChatbotTimeoutStatus 504
</Location>
<Location "/private/v1">
    SetHandler chatbot-openai
    Require expr "%{HTTP:Authorization} == 'Bearer the-key'"
</Location>
CONF

my $failed = system('node', "$FindBin::Bin/openai_client.cjs", $packages, $emulator->aws_url, $server->url) != 0;
my $stopped = $server->stop;
print {*STDERR} map { "# $_\n" } grep { !/:(?:info|warn|debug)\]/ } split /\n/, $server->error_log if $failed;
exit($failed || !$stopped ? 1 : 0);
