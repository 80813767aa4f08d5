#!/usr/bin/env perl
# The stand-in's CloudWatch convinces each boto3 that is here: emulator_cloudwatch.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my @pythons = find_pythons('import boto3')
    or skip_all('boto3 against the stand-in', 'no python3 here has boto3');
ask_each(
    Chatbot::Emulator->start,
    map { [ "CloudWatch with the boto3 of $_", $_, '-B', "$FindBin::Bin/emulator_cloudwatch.py" ] } @pythons
);
