#!/usr/bin/env perl
# Which endpoint and which region: directives, environment, profile, in that order; what does not go together.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->start(config => "EmulatorRegion eu-west-1\n");
my $good = $emulator->aws_url;
my $dead = sprintf 'http://127.0.0.1:%d', Chatbot::Httpd::free_ports(1);
my $folder = tempdir('chatbot-aws-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod(0755, $folder);
my $files = 0;

sub config_file {
    my ($text) = @_;
    my $path = "$folder/config-" . $files++;
    Chatbot::Httpd::_write($path, $text);
    return (AWS_CONFIG_FILE => $path);
}

sub server_with {
    my ($directives, %environment) = @_;
    return Chatbot::Server->start(emulator => 0, region => 0, env => \%environment, chatbot => "ChatbotRetry attempts=1\n$directives");
}

# Each level as (directives, environment, lines of the profile) that give it the value.
my @endpoint = (
    [ 'ChatbotAWSEndpoint of the service', sub { ("ChatbotAWSEndpoint bedrock-agent-runtime $_[0]\n") } ],
    [ 'ChatbotAWSEndpoint *',              sub { ("ChatbotAWSEndpoint * $_[0]\n") } ],
    [ 'AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME', sub { ('', { AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME => $_[0] }) } ],
    [ 'AWS_ENDPOINT_URL',                  sub { ('', { AWS_ENDPOINT_URL => $_[0] }) } ],
    [ 'the profile\'s services',           sub { ('', {}, "services = local\n", "[services local]\nbedrock_agent_runtime =\n  endpoint_url = $_[0]\n") } ],
    [ 'the profile\'s endpoint_url',       sub { ('', {}, "endpoint_url = $_[0]\n") } ],
);
my @region = (
    [ 'ChatbotAWSRegion',     sub { ("ChatbotAWSRegion $_[0]\n") } ],
    [ 'AWS_REGION',           sub { ('', { AWS_REGION => $_[0] }) } ],
    [ 'AWS_DEFAULT_REGION',   sub { ('', { AWS_DEFAULT_REGION => $_[0] }) } ],
    [ 'the profile\'s region', sub { ('', {}, "region = $_[0]\n") } ],
);

# All levels from `first` on are there; that one alone has what works.
sub levels_from {
    my ($first, $works, $fails, @levels) = @_;
    my ($directives, %environment, $profile, $sections);
    for my $i ($first .. $#levels) {
        my ($lines, $variables, $properties, $section) = $levels[$i][1]->($i == $first ? $works : $fails);
        $directives .= $lines;
        %environment = (%environment, %{ $variables || {} });
        $profile  .= $properties // '';
        $sections .= $section // '';
    }
    return ($directives, %environment, config_file("[default]\n" . ($profile // '') . ($sections // '')));
}

for my $first (0 .. $#endpoint) {
    my ($directives, %environment) = levels_from($first, $good, $dead, @endpoint);
    my $server = server_with("ChatbotAWSRegion eu-west-1\n$directives", %environment);
    is($server->chat('Hello')->{status}, 200, "$endpoint[$first][0] wins over what stands behind it") or diag($server->error_log);
    $server->stop_ok;
}

for my $first (0 .. $#region) {
    my ($directives, %environment) = levels_from($first, 'eu-west-1', 'us-east-2', @region);
    my $server = server_with("ChatbotAWSEndpoint * $good\n$directives", %environment);
    is($server->chat('Hello')->{status}, 200, "$region[$first][0] wins over what stands behind it") or diag($server->error_log);
    $server->stop_ok;
}

subtest 'ChatbotAWSProfile: its region and endpoint' => sub {
    my $server = server_with("ChatbotAWSProfile web\n", config_file("[default]\nregion = us-east-2\nendpoint_url = $dead\n"
            . "[profile web]\nregion = eu-west-1\nendpoint_url = $good\n"));
    is($server->chat('Hello')->{status}, 200, 'count') or diag($server->error_log);
    $server->stop_ok;
};

subtest 'a virtual host has its own' => sub {
    my $server = Chatbot::Server->start(emulator => 0, region => 0, ports => 1, config => sub { my ($self) = @_; return <<"CONF" });
ChatbotRetry attempts=1
ChatbotAWSRegion eu-west-1
ChatbotAWSEndpoint * $dead
Listen 127.0.0.1:$self->{ports}[0]
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    ChatbotAWSEndpoint * $good
</VirtualHost>
CONF
    is($server->chat('Hello')->{status}, 502, 'the main server\'s is dead');
    my $client = Chatbot::Client->new(port => $server->{ports}[0]);
    is($client->request('POST', '/chat', body => { message => 'Hello' })->{status}, 200, 'the virtual host\'s is not; its region is the main server\'s');
    $server->stop_ok;
};

subtest 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS' => sub {
    my $server = server_with("ChatbotAWSRegion eu-west-1\nChatbotAWSEndpoint * $good\n", AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME => $dead,
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS => 'true');
    is($server->chat('Hello')->{status}, 200, 'the directive is no such URL');
    $server->stop_ok;
};

# -- what goes together --------------------------------------------------------------------------

sub configtest {
    my ($directives, %environment) = @_;
    return Chatbot::Server->configtest(emulator => 0, env => \%environment, chatbot => "$directives\n");
}

for my $case (
    [ "ChatbotAWSFIPS On\nChatbotAWSEndpoint * $good",                                qr/FIPS is asked for.*leave out one of them/ ],
    [ "ChatbotAWSDualStack On\nChatbotAWSEndpoint * $good",                           qr/dual-stack is asked for.*leave out one of them/ ],
    [ "ChatbotAWSFIPS On\nChatbotAWSEndpoint bedrock-agent-runtime $good",            qr/FIPS.*leave out/ ],
    [ 'ChatbotAWSFIPS On',                     qr/FIPS.*leave out/, AWS_ENDPOINT_URL => $good ],
    [ '',                                      qr/FIPS.*leave out/, AWS_ENDPOINT_URL => $good, AWS_USE_FIPS_ENDPOINT => 'true' ],
    [ "ChatbotAWSEndpoint * $good",            qr/dual-stack.*leave out/, AWS_USE_DUALSTACK_ENDPOINT => 'true' ],
    [ "ChatbotAWSEndpoint * $good",            qr/FIPS.*leave out/, config_file("[default]\nuse_fips_endpoint = true\n") ],
    [ 'ChatbotAWSDualStack On',                qr/dual-stack.*leave out/, config_file("[default]\nendpoint_url = $good\n") ],
    [ "ChatbotAWSEndpoint * $good\nListen 127.0.0.1:1\n<VirtualHost 127.0.0.1:1>\nChatbotAWSFIPS On\n</VirtualHost>", qr/FIPS.*leave out/ ],
    [ "ChatbotAWSFIPS On\nChatbotAWSEndpoint sts $good",                              qr/CHAT0401: .*of sts: FIPS.*leave out/ ],
    [ 'ChatbotAWSFIPS perhaps',                qr/ChatbotAWSFIPS must be On or Off/ ],
    [ 'ChatbotAWSDualStack perhaps',           qr/ChatbotAWSDualStack must be On or Off/ ],
    [ '',                                      qr/CHAT0401: .*ftp:.*https:/, AWS_ENDPOINT_URL => 'ftp://a' ],
    [ 'ChatbotAWSRegion us-iso-east-1' . "\nChatbotAWSDualStack On",                  qr/CHAT0401: .*no dual-stack endpoints/ ],
) {
    my ($directives, $reason, %environment) = @$case;
    (my $name = join ' ', $directives, map { "$_=$environment{$_}" } sort keys %environment) =~ s/\s+/ /g;
    my ($status, $text) = configtest($directives, %environment);
    isnt($status, 0, "refused: $name");
    like($text, $reason, 'with a hint');
}

for my $case (
    ['ChatbotAWSFIPS On'], ['ChatbotAWSDualStack On'], ["ChatbotAWSFIPS On\nChatbotAWSDualStack On"],
    [ "ChatbotAWSFIPS Off\nChatbotAWSEndpoint * $good", AWS_USE_FIPS_ENDPOINT => 'true' ],
    [ "ChatbotAWSDualStack Off\nChatbotAWSEndpoint * $good", config_file("[default]\nuse_dualstack_endpoint = true\n") ],
    [ 'ChatbotAWSFIPS On', AWS_ENDPOINT_URL => $good, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS => 'true' ],
    [ 'ChatbotAWSFIPS On', config_file("[default]\nendpoint_url = $good\nignore_configured_endpoint_urls = true\n") ],
) {
    my ($directives, %environment) = @$case;
    (my $name = join ' ', $directives, map { "$_=$environment{$_}" } sort keys %environment) =~ s/\s+/ /g;
    my ($status, $text) = configtest($directives, %environment);
    is($status, 0, "taken: $name") or diag($text);
}

subtest 'a region that is the EC2 instance\'s' => sub {
    for my $case ([ "ChatbotAWSFIPS On\nChatbotAWSEndpoint * $good\n", qr/CHAT0401: .*the instance's.*FIPS.*leave out/ ],
        [ '', qr/CHAT0401: .*ftp:.*https:/, AWS_ENDPOINT_URL => 'ftp://a' ]) {
        my ($directives, $reason, %environment) = @$case;
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, region => 0, env => \%environment, chatbot => $directives);
        isnt($status, 0, 'hides nothing from configtest');
        like($text, $reason, 'with a hint');
    }
    is((Chatbot::Server->configtest(emulator => 0, region => 0, chatbot => "ChatbotAWSEndpoint * $good\n"))[0], 0, 'and is taken');
};

subtest 'an environment without a region that makes sense' => sub {
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, region => 0, env => { AWS_REGION => 'US EAST' });
    isnt($status, 0, 'stops configtest');
    like($text, qr/CHAT0401: .*"US EAST".*us-east-1/, 'with a hint');
};

done_testing();
