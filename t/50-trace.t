#!/usr/bin/env perl
# Trace context: what a visitor sends goes on to AWS, unsigned, when it has the form of its header.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

my $server = Chatbot::Server->start;
my $PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
my $AMAZON = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

sub passed_on {
    my (%headers) = @_;
    is($server->chat('Hello', headers => \%headers)->{status}, 200, 'answered');
    my @calls = $server->emulator->calls('InvokeAgent');
    return $calls[-1];
}

my $call = passed_on('traceparent' => $PARENT, 'X-Amzn-Trace-Id' => $AMAZON);
is($call->{headers}{traceparent}, $PARENT, 'traceparent is passed on');
is($call->{headers}{'x-amzn-trace-id'}, $AMAZON, 'so is X-Amzn-Trace-Id');

$call = passed_on('traceparent' => "$PARENT-evil", 'X-Amzn-Trace-Id' => 'Root=nonsense');
is($call->{headers}{traceparent}, undef, 'not one of another form');
is($call->{headers}{'x-amzn-trace-id'}, undef, 'nor the other');

$server->stop_ok;
done_testing;
