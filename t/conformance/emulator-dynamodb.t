#!/usr/bin/env perl
# The stand-in's DynamoDB convinces each boto3 that is here: emulator_dynamodb.py does the asking, and
# compares with moto where that is.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my @pythons = find_pythons('import boto3')
    or skip_all('boto3 against the stand-in', 'no python3 here has boto3');
ask_each(
    Chatbot::Emulator->start(config => 'EmulatorTable from-the-start session_id'),
    map { [ "DynamoDB with the boto3 of $_", $_, '-B', "$FindBin::Bin/emulator_dynamodb.py" ] } @pythons
);
