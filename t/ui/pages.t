#!/usr/bin/env perl
# The pages in Chromium, and the OpenAPI document in the tools that people use for such: browser.cjs does it, with
# the packages that install-packages put into the build folder.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Chatbot::Server;

my $packages = "$Chatbot::Httpd::BUILD/ui";
my ($chromium) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(chromium chromium-browser google-chrome) }
    split /:/, $ENV{PATH};
plan skip_all => 'the pages in a browser: node 18 with npm, or its packages, cannot be had'
    if !-e "$packages/installed.json";
plan skip_all => 'the pages in a browser: there is no Chromium' if !$chromium;

# The configuration that is shipped, and the same with a narrow limit and whole answers.
sub start {
    my ($chatbot) = @_;
    local $Chatbot::Server::HANDLERS = '';
    my $tree = "$FindBin::Bin/../..";
    return Chatbot::Server->start(modules => [qw(authz_host socache_shmcb)],
        chatbot => "ChatbotSessionStore shmcb\n$chatbot", config => "Include $tree/conf/chatbot.conf");
}

my $server  = start('');
my $limited = start("ChatbotRateLimit 2 4s\nChatbotStream Off");
$ENV{CHROMIUM} = $chromium;
my $pid = open(my $tap, '-|', 'node', "$FindBin::Bin/browser.cjs", $packages, $server->url, $limited->url)
    // die "node: $!\n";
my $ran = 0;
while (my $line = <$tap>) {
    if ($line =~ /^(not )?ok \d+ - (.*)/) { ok(!$1, $2); $ran++ }
    elsif ($line =~ /^1\.\.(\d+)$/) { is($ran, $1, 'all of them ran') }
    else { diag($line =~ s/^# ?|\n//gr) if $line =~ /^#   |^[^#]/ || $ENV{TEST_VERBOSE} }
}
ok(close($tap), 'the browser ended well');
$_->stop_ok for $server, $limited;
done_testing;
