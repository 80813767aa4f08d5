# Signature Version 4 of one request: the peers forward a request that the stand-in accepts, and
# cannot sign it themselves. Good for five minutes, the tolerance of AWS's clocks.
# Source: IAM User Guide, "Create a signed AWS API request".
package Bench::Signature;

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use POSIX qw(strftime);

# The headers to send beside Host and Content-Type: application/json, which are signed too.
# Options: key, secret, host, path, body.
sub headers {
    my (%o) = @_;
    my $stamp  = strftime('%Y%m%dT%H%M%SZ', gmtime);
    my $day    = substr($stamp, 0, 8);
    my @scope  = ($day, 'us-east-1', 'bedrock', 'aws4_request');
    my $signed = 'content-type;host;x-amz-date';
    my $canonical = join "\n", 'POST', $o{path}, '', 'content-type:application/json', "host:$o{host}",
        "x-amz-date:$stamp", '', $signed, sha256_hex($o{body});
    my $to_sign = join "\n", 'AWS4-HMAC-SHA256', $stamp, join('/', @scope), sha256_hex($canonical);
    my $key = "AWS4$o{secret}";
    $key = hmac_sha256($_, $key) for @scope;
    my $credential = join '/', $o{key}, @scope;
    my $signature = hmac_sha256_hex($to_sign, $key);
    return (
        "X-Amz-Date: $stamp",
        "Authorization: AWS4-HMAC-SHA256 Credential=$credential, SignedHeaders=$signed, Signature=$signature",
    );
}

1;
