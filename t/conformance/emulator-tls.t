#!/usr/bin/env perl
# TLS in front of the stand-in: curl trusts the good certificate only, and what boto3 signed arrives as it
# was.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;
use Test::More;
use Chatbot::TLS;

my $tls = Chatbot::TLS->start;
my $path = '/v2/credentials/web';

# curl's exit status, and what it printed.
sub curl {
    my (@arguments) = @_;
    my $text = qx(curl --silent --show-error --max-time 20 @arguments 2>&1);
    return ($? >> 8, $text);
}

my ($status, $text) = curl('--cacert', $tls->ca_file, $tls->tls_url . $path);
is($status, 0, 'the good certificate is trusted') or diag $text;
like($text, qr/"AccessKeyId":"ASIA/, 'and the stand-in answers');
($status, $text) = curl('--cacert', $tls->ca_file, $tls->tls_url('good', 'localhost') . $path);
is($status, 0, 'by its other name as well') or diag $text;
($status) = curl($tls->tls_url . $path);
is($status, 60, 'not without its CA');
($status, $text) = curl('--cacert', $tls->ca_file, $tls->tls_url('wrong_name') . $path);
is($status, 60, 'a wrong name is refused');
like($text, qr/does not match|no alternative certificate subject name/, 'for that reason');
($status, $text) = curl('--cacert', $tls->ca_file, $tls->tls_url('expired') . $path);
is($status, 60, 'an expired certificate is refused');
like($text, qr/expired/, 'for that reason');

my @requests = $tls->requests(2);
is_deeply([ map { $_->{sni} } @requests ], [ '-', 'localhost' ], 'only the trusted ones sent a request');

($status) = curl('--cacert', $tls->ca_file, ($tls->tls_url . $path) x 3);
@requests = $tls->requests(5);
is_deeply([ map { $_->{before} } @requests[ -3 .. -1 ] ], [ 0, 1, 2 ], 'one connection serves three requests');
my @calls = $tls->emulator->calls('ContainerCredentials');
ok($calls[-1]{reused}, 'to the stand-in too');

SKIP: {
    my $python = find_python('import boto3; boto3.client("bedrock-agent-runtime", region_name="us-east-1")');
    if (!defined $python) {
        diag 'skipped: boto3 over TLS: no python3 here has a boto3 with bedrock-agent-runtime';
        skip 'no such boto3', 1;
    }
    my $script = <<'PYTHON';
import boto3, sys
answer = boto3.client("bedrock-agent-runtime", endpoint_url=sys.argv[1], verify=sys.argv[2],
                      region_name="us-east-1").invoke_agent(
    agentId="AGENT12345", agentAliasId="TSTALIASID", sessionId="user:42", inputText="hi you")
print(b"".join(e["chunk"]["bytes"] for e in answer["completion"]).decode())
PYTHON
    local %ENV = (%ENV, Chatbot::Emulator->credentials);
    open my $asked, '-|', $python, '-c', $script, $tls->tls_url, $tls->ca_file or die "$python: $!";
    chomp(my $answer = <$asked> // '');
    close $asked;
    is($answer, 'You said: hi you', 'a signed call arrives as it was signed');
}
$tls->stop_ok;
done_testing;
