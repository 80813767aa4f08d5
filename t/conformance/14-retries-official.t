#!/usr/bin/perl
# The standard retry mode of 2026 with the cases of AWS's SDKs for JavaScript and Python. Skipped by
# name: the timings from before 2026 and the adaptive mode, which the product does not have.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Test::More;
use Vectors;

my $spec     = vectors('retries/standard-2026-spec-cases.json');
my $timings  = vectors('retries/backoff-timings.json');
my $botocore = vectors('retries/botocore-numbers.json');

my %why = (
    retry_request         => qr/^the failure may pass$|^AWS throttles$/,
    max_attempts_exceeded => qr/^all attempts are used up$/,
    retry_quota_exceeded  => qr/the retry bucket is empty$/,
);

sub microseconds { return int($_[0] * 1_000_000 + 0.5) }

sub check_spec {
    my ($case) = @_;
    my @failures = map { {
        status => $_->{response}{status_code},
        defined $_->{response}{error_code} ? (code => $_->{response}{error_code}) : (),
    } } @{ $case->{responses} };
    my $given = $case->{given};
    my $got = ask({
        attempts => $given->{max_attempts} // 0, tokens => $given->{initial_retry_tokens} // 500,
        failures => \@failures,
    })->{steps};
    my $number = 0;
    for my $step (@{ $case->{responses} }) {
        my ($expected, $is, $name) = ($step->{expected}, shift @$got, "$case->{name}: step " . ++$number);
        is $is->{tokens}, $expected->{retry_quota}, "$name: tokens left";
        next if $expected->{outcome} eq 'success';
        like $is->{why}, $why{ $expected->{outcome} }, "$name: $expected->{outcome}";
        is $is->{delay_us}, microseconds($expected->{delay}), "$name: delay" if defined $expected->{delay};
    }
    return;
}

# The first step is the call itself, not a retry.
sub check_timings {
    my ($case) = @_;
    my (undef, @steps) = @{ $case->{steps} };
    my @failures = map { $_->{errorType} eq 'THROTTLING' ? { status => 429 } : { status => 500 } } @steps;
    my $got = ask({ attempts => @steps + 1, failures => \@failures })->{steps};
    my $tokens = 500;
    for my $step (@steps) {
        my ($is, $name) = (shift @$got, "$case->{name}: retry $step->{retryCount}");
        is $is->{delay_us}, 1000 * $step->{delayMs}, "$name: delay";
        is $tokens - $is->{tokens}, $step->{cost}, "$name: cost";
        $tokens = $is->{tokens};
    }
    return;
}

sub check_botocore {
    my $delays = $botocore->{backoff_seconds_transient_attempts_1_to_11};
    my $got = ask({ attempts => 12, failures => [map { { status => 500 } } @$delays] })->{steps};
    is_deeply [map { $_->{delay_us} } @$got], [map { microseconds($_) } @$delays],
        'botocore: the backoff of attempts 1 to 11';

    my $steps = $botocore->{dynamodb}{http_500_steps};
    $got = ask({ service => 'dynamodb', operation => 'GetItem', failures => [map { { status => 500 } } @$steps] })
        ->{steps};
    for my $step (@$steps) {
        my ($is, $name) = (shift @$got, "botocore: DynamoDB, attempt $step->{attempt}");
        is !!$is->{again}, !!($step->{retry} // 1), "$name: whether again";
        next if exists $step->{retry};
        is $is->{delay_us}, microseconds($step->{delay}), "$name: delay";
        is $is->{tokens}, $step->{quota_after}, "$name: tokens left";
    }
    for my $case (@{ $botocore->{x_amz_retry_after} }) {
        my ($failed, $done) = @{ ask({
            failures => [{ status => $case->{status}, retry_after_ms => $case->{header} }, { status => 200 }],
        })->{steps} };
        my $name = "botocore: x-amz-retry-after $case->{header}";
        is $failed->{delay_us}, microseconds($case->{delay}), "$name: delay";
        is $failed->{tokens}, $case->{quota_after_failure}, "$name: tokens left";
        is $done->{tokens}, $case->{quota_after_success}, "$name: tokens after the success";
    }
    return;
}

start_helper('retries');
check_spec($_) for @{ $spec->{cases} };
check_timings($_) for @{ $timings->{behaviour_2026} };
note 'skipped: the timings from before 2026, the adaptive mode';
check_botocore();
end_helper();
done_testing;
