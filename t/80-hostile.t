#!/usr/bin/env perl
# Hostile requests, t/data/hostile.pl: each gets what it must get, with a clear error where we answer and nothing of
# its own in the answer's head; the next ordinary request works; httpd and its child live on.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;

my $cases = do './t/data/hostile.pl' or die "t/data/hostile.pl: $@ $!";
my $slow  = $ENV{SANITIZER} ? 4 : 1;

# Every name an answer's head may have; what a client sends cannot add one.
my %known = map { lc $_ => 1 } qw(Date Server Content-Type Content-Length Connection Keep-Alive Transfer-Encoding Vary Allow
    Cache-Control X-Request-ID Retry-After X-Session-Id X-Chatbot-Session X-Accel-Buffering Access-Control-Allow-Origin
    Access-Control-Expose-Headers Access-Control-Allow-Methods Access-Control-Allow-Headers Access-Control-Max-Age
    X-Should-Retry Upgrade Accept-Ranges ETag Last-Modified Location Content-Security-Policy X-Content-Type-Options
    Referrer-Policy X-Frame-Options);

my $server = Chatbot::Server->start(threads => 25, children => 1, quiet => 0, modules => ['socache_shmcb'],
    chatbot => <<'CONF', config => 'AllowEncodedSlashes NoDecode');
ChatbotRateLimit Off
ChatbotMetrics Off
ChatbotSessionStore shmcb
ChatbotCORS https://shop.example.com
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
<Location "/v1">
    SetHandler chatbot-openai
</Location>
<Location "/openapi.json">
    SetHandler chatbot-openapi
</Location>
<Location "/docs">
    SetHandler chatbot-docs
</Location>
CONF
my @children = $server->children;

# All that comes back for these bytes: (bytes, whether the server closed). Our side is shut as soon as `is_whole` says
# that all is there, or at once.
sub converse {
    my ($case, $is_whole) = @_;
    my $client = $server->client;
    my $got    = '';
    my $shut   = 0;
    $client->send($case->{bytes});
    my $deadline = time() + 10 * $slow;
    while (1) {
        if (!$shut && ($case->{half} || $is_whole->($got))) {
            $client->half_close;
            $shut = 1;
        }
        my $left = $deadline - time();
        my $bytes = $left > 0 ? $client->read_some($left) : undef;
        return ($got, 0) if !defined $bytes;
        return ($got, 1) if $bytes eq '';
        $got .= $bytes;
    }
}

# Takes the next answer off the bytes: undef when it is not whole. `problem` is what its head should not have.
sub take_answer {
    my ($bytes, $method) = @_;
    $$bytes =~ s/\A(.*?)\r\n\r\n//s or return undef;
    my ($first, @lines) = split /\r\n/, $1, -1;
    my %answer = (headers => {});
    my ($status) = $first =~ m{^HTTP/1\.1 (\d{3}) [ -~]*$} or return { problem => "status line: $first" };
    return take_answer($bytes, $method) if $status == 100;
    $answer{status} = $status;
    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([A-Za-z-]+): ([\t -~]*)$/ or return { %answer, problem => "header line: $line" };
        return { %answer, problem => "header: $line" } if !$known{ lc $name } || exists $answer{headers}{ lc $name };
        $answer{headers}{ lc $name } = $value;
    }
    my $headers = $answer{headers};
    if ($method eq 'HEAD' || $status == 204 || $status == 304) {
        $answer{body} = '';
    } elsif (($headers->{'transfer-encoding'} // '') eq 'chunked') {
        my $body = '';
        while (1) {
            $$bytes =~ s/\A([0-9a-f]+)\r\n// or return undef;
            my $size = hex $1;
            return undef if length $$bytes < $size + 2;
            $body .= substr($$bytes, 0, $size, '');
            $$bytes =~ s/\A\r\n// or return { %answer, problem => 'chunk' };
            last if $size == 0;
        }
        $answer{body} = $body;
    } elsif (defined $headers->{'content-length'}) {
        return undef if length $$bytes < $headers->{'content-length'};
        $answer{body} = substr($$bytes, 0, $headers->{'content-length'}, '');
    } else {
        $answer{body} = $$bytes;    # until the end of the connection
        $$bytes = '';
    }
    return \%answer;
}

sub answers_of {
    my ($case, $bytes) = @_;
    my ($method) = $case->{method} // $case->{bytes} =~ /\A(HEAD) /;
    my @answers;
    while (length $bytes) {
        my $answer = take_answer(\$bytes, $method // '');
        push @answers, $answer if $answer;
        return (\@answers, $bytes) if !$answer || $answer->{problem};
    }
    return (\@answers, '');
}

# The error code, "httpd" for a page of its own, '' for a success; else what is wrong with it.
sub speaker {
    my ($answer) = @_;
    my ($status, $body, $headers) = @$answer{qw(status body headers)};
    return ('') if $status < 400;
    return ('httpd') if ($headers->{'content-type'} // '') =~ m{^text/html} && $body =~ /^<!DOCTYPE HTML/ && !$headers->{'x-request-id'};
    my $json = eval { JSON::PP->new->utf8->decode($body) };
    return ('*') if $body eq '' && $headers->{'content-length'};    # HEAD
    return (undef, "an error that is no JSON: $body") if ref $json ne 'HASH';
    return (undef, "X-Request-ID: $headers->{'x-request-id'}") if ($headers->{'x-request-id'} // '') !~ /^[0-9A-Za-z._-]{1,128}$/;
    return (undef, 'Cache-Control') if ($headers->{'cache-control'} // '') ne 'no-store';
    return (undef, "the inside shows: $body") if $body =~ /arn:aws|AKIA|\.c:\d+|\/tmp\//;
    if (ref $json->{error} eq 'HASH') {
        return (undef, "no message: $body") if !length($json->{error}{message} // '');
        return ($json->{error}{code} // $json->{error}{type} // '');
    }
    return (undef, "not an error's members: $body")
        if grep { !defined $json->{$_} || $json->{$_} eq '' } qw(error error_code timestamp request_id detail);
    return (undef, 'another request_id') if $json->{request_id} ne $headers->{'x-request-id'};
    return ($json->{error_code});
}

# What is wrong with what came for a case; '' for nothing.
sub judge {
    my ($case, $got, $closed) = @_;
    my @expect = @{ $case->{expect} };
    return 'the connection stays open: ' . substr($got, 0, 300) if !$closed;
    return grep({ $_ eq 'closed' } split /\|/, $expect[0]) ? '' : 'no answer' if $got eq '';
    if ($got !~ m{^HTTP/}) {
        return grep({ $_ eq '0.9' } split /\|/, $expect[0]) ? '' : 'not HTTP: ' . substr($got, 0, 200);
    }
    my ($answers, $rest) = answers_of($case, $got);
    for my $answer (@$answers) {
        return $answer->{problem} if $answer->{problem};
        my ($said, $problem) = speaker($answer);
        return $problem if defined $problem;
        $answer->{said} = "$answer->{status} $said";
        my $alternatives = shift @expect // 'no more answer';
        next if grep { $_ eq $answer->{status} || $_ eq "$answer->{status} $said" || $_ eq "$answer->{status} *" || ($said eq '*' && /^$answer->{status}/) } split /\|/, $alternatives;
        return "$answer->{said} instead of $alternatives: " . substr($answer->{body}, 0, 200);
    }
    return 'answers missing: ' . join(', ', @expect) if @expect;
    return 'bytes behind it: ' . substr($rest, 0, 200) if $rest ne '';
    return '';
}

cmp_ok(scalar @$cases, '>=', 800, scalar(@$cases) . ' requests');
my %seen;
is(scalar(grep { $seen{"$_->{group}: $_->{name}"}++ } @$cases), 0, 'each has a name of its own');

my (%groups, @order);
for my $case (@$cases) {
    push @order, $case->{group} if !$groups{ $case->{group} };
    push @{ $groups{ $case->{group} } }, $case;
}
for my $group (@order) {
    my @wrong;
    for my $case (@{ $groups{$group} }) {
        my $is_whole = sub { my ($answers) = answers_of($case, $_[0]); return @$answers >= @{ $case->{expect} } };
        my $problem = judge($case, converse($case, $is_whole));
        my $next = $server->chat('Still there?');
        $problem .= " (the next request: $next->{status})" if $next->{status} != 200 || !$next->{json};
        push @wrong, "$case->{name}: $problem" if $problem ne '';
    }
    ok(!@wrong, "$group: " . @{ $groups{$group} }) or diag(map { s/[^ -~]/./gr . "\n" } @wrong);
}

is_deeply([ $server->children ], \@children, 'the child is the same');
unlike($server->error_log, qr/^(?!\[)/m, 'no line of the error log was forged');
unlike($server->error_log, qr/[\x00-\x08\x0b-\x1f]/, 'nor a control character written to it');
unlike($server->access_log, qr/[\x00-\x08\x0b-\x1f]/, 'nor to the access log');
$server->stop_ok;
done_testing();
